/** How this process was started: alone, or by a launcher of MPI as one of several that train together. */
import { UserError } from '../errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What a launcher says of the process that it started. */
export interface Launch {
  /** The program that a user would name. */
  readonly launcher: 'mpirun (Open MPI)' | 'mpiexec (MPICH)' | 'srun';
  readonly rank: number;
  /** Processes in all; undefined where the launcher does not say, and MPI has to. */
  readonly size: number | undefined;
  /** Which of the processes on this machine it is, from 0. */
  readonly localRank: number;
}

/** A number that a launcher sets; undefined: it does not. */
function numberIn(env: Environment, ...names: readonly string[]): number | undefined {
  const name = names.find((one) => /^\d+$/.test(env[one] ?? ''));
  return name === undefined ? undefined : Number(env[name]);
}

/**
 * What the environment says of the launcher; undefined: this process runs alone. A batch script of Slurm is no rank, though Slurm has
 * told it how many tasks the job may have.
 *
 * @throws UserError srun has started several processes without MPI: each would train by itself, all in one folder
 */
export function launchOf(env: Environment = process.env): Launch | undefined {
  const rankOfOpenMpi = numberIn(env, 'OMPI_COMM_WORLD_RANK');
  if (rankOfOpenMpi !== undefined) {
    const localRank = numberIn(env, 'OMPI_COMM_WORLD_LOCAL_RANK') ?? 0;
    return several('mpirun (Open MPI)', rankOfOpenMpi, numberIn(env, 'OMPI_COMM_WORLD_SIZE'), localRank);
  }
  const tasks = numberIn(env, 'SLURM_STEP_NUM_TASKS');
  const rank = numberIn(env, 'PMI_RANK', 'PMIX_RANK');
  if (tasks !== undefined && tasks > 1 && rank === undefined) {
    throw new UserError(
      `srun has started ${tasks} processes without MPI; use srun --mpi=pmix or --mpi=pmi2 (srun --mpi=list shows what there is), or --ntasks=1`,
    );
  }
  if (rank === undefined) return undefined;
  if (tasks !== undefined) return several('srun', rank, tasks, numberIn(env, 'SLURM_LOCALID') ?? 0);
  const localRank = numberIn(env, 'MPI_LOCALRANKID', 'PMI_LOCAL_RANK') ?? 0;
  return several('mpiexec (MPICH)', rank, numberIn(env, 'PMI_SIZE'), localRank);
}

/** One process that a launcher started is a process that runs alone. */
const several = (
  launcher: Launch['launcher'],
  rank: number,
  size: number | undefined,
  localRank: number,
): Launch | undefined => (size === 1 ? undefined : { launcher, rank, size, localRank });
