/** What launchers say of the processes that they start. */
import { expect, it } from 'vitest';
import { launchOf } from '../../src/mpi/launch.ts';
import { libraryVariable, loadMpi } from '../../src/mpi/library.ts';

it('a process that nobody launched runs alone, also as the batch script of a job of many tasks', () => {
  expect(launchOf({})).toBeUndefined();
  expect(launchOf({ SLURM_NTASKS: '8', SLURM_PROCID: '0', SLURM_JOB_ID: '7' })).toBeUndefined();
  expect(launchOf({ OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_SIZE: '1' })).toBeUndefined();
});

it.each([
  [
    'Open MPI',
    { OMPI_COMM_WORLD_RANK: '5', OMPI_COMM_WORLD_SIZE: '8', OMPI_COMM_WORLD_LOCAL_RANK: '1' },
    { launcher: 'mpirun (Open MPI)', rank: 5, size: 8, localRank: 1 },
  ],
  [
    'MPICH',
    { PMI_RANK: '3', PMI_SIZE: '4', MPI_LOCALRANKID: '1' },
    { launcher: 'mpiexec (MPICH)', rank: 3, size: 4, localRank: 1 },
  ],
  [
    'Slurm with PMIx',
    { PMIX_RANK: '6', SLURM_STEP_NUM_TASKS: '8', SLURM_LOCALID: '2' },
    { launcher: 'srun', rank: 6, size: 8, localRank: 2 },
  ],
  [
    'Slurm with PMI-2',
    { PMI_RANK: '1', PMI_SIZE: '2', SLURM_STEP_NUM_TASKS: '2', SLURM_LOCALID: '1' },
    { launcher: 'srun', rank: 1, size: 2, localRank: 1 },
  ],
] as const)('%s names rank, size and place', (_, env, launch) => {
  expect(launchOf(env)).toEqual(launch);
});

it('several processes of srun without MPI are refused', () => {
  expect(() => launchOf({ SLURM_STEP_NUM_TASKS: '4', SLURM_PROCID: '1' })).toThrow(
    /4 processes without MPI; use srun --mpi/,
  );
});

it('a library that is not there, or none of MPI, is named in one line', async () => {
  const load = (file: string) => loadMpi({ launcher: 'mpirun (Open MPI)' }, { [libraryVariable]: file });
  for (const file of ['/nowhere/libmpi.so', 'libm.so.6']) {
    const error = await load(file).catch((thrown: Error) => thrown.message);
    expect(error).toContain(`${libraryVariable}=${file}`);
    expect(error).toMatch(/^mpirun \(Open MPI\) started this process, but its MPI library cannot be loaded/);
    expect(error).not.toContain('\n');
  }
});
