/** The system's MPI library, called by koffi: found when a run is started by a launcher of MPI, and needed by no other. */
import type { LibraryHandle } from 'koffi';
import { messageOf, UserError } from '../errors.ts';
import { type Abi, abiOf, type Handle } from './abi.ts';
import type { Launch } from './launch.ts';

/** Memory that the library reads or writes, or the address of something of its own. */
type Pointer = ArrayBufferView | bigint | null;

/** The functions that are used, under their names in C. All return 0, or end the process: MPI's errors are fatal by default. */
export interface Mpi {
  readonly abi: Abi;
  readonly path: string;
  MPI_Init(argc: Pointer, argv: Pointer): number;
  MPI_Comm_rank(comm: Handle, rank: Int32Array): number;
  MPI_Comm_size(comm: Handle, size: Int32Array): number;
  MPI_Iallreduce(from: Pointer, to: Pointer, n: number, type: Handle, op: Handle, comm: Handle, r: Pointer): number;
  MPI_Iallgather(
    from: Pointer,
    n: number,
    type: Handle,
    to: Pointer,
    each: number,
    toType: Handle,
    comm: Handle,
    r: Pointer,
  ): number;
  MPI_Ibcast(buffer: Pointer, n: number, type: Handle, root: number, comm: Handle, r: Pointer): number;
  MPI_Ibarrier(comm: Handle, r: Pointer): number;
  MPI_Test(r: Pointer, done: Int32Array, status: Pointer): number;
  MPI_Abort(comm: Handle, code: number): number;
  MPI_Finalize(): number;
}

/** Parameters by function: H a handle, P a pointer, I an int. */
const signatures = {
  MPI_Init: 'PP',
  MPI_Comm_rank: 'HP',
  MPI_Comm_size: 'HP',
  MPI_Iallreduce: 'PPIHHHP',
  MPI_Iallgather: 'PIHPIHHP',
  MPI_Ibcast: 'PIHIHP',
  MPI_Ibarrier: 'HP',
  MPI_Test: 'PPP',
  MPI_Abort: 'HI',
  MPI_Finalize: '',
} as const;

const onLinux = {
  openMpi: ['libmpi.so.40', 'libmpi.so'],
  mpich: ['libmpi.so.12', 'libmpich.so.12', 'libmpi.so'],
};
const onMac = { openMpi: ['libmpi.40.dylib', 'libmpi.dylib'], mpich: ['libmpi.12.dylib', 'libmpi.dylib'] };

/** File names to try, those of the launcher's own MPI first; srun starts either. */
function candidates(launcher: Launch['launcher'], named: string | undefined): readonly string[] {
  if (named) return [named];
  const { openMpi, mpich } = process.platform === 'darwin' ? onMac : onLinux;
  if (launcher === 'mpirun (Open MPI)') return openMpi;
  return launcher === 'mpiexec (MPICH)' ? mpich : [...openMpi, ...mpich];
}

/** Names the library where several are there, or none is found. */
export const libraryVariable = 'SIMCLR_MPI_LIBRARY';

/**
 * Loads the library that the launcher needs.
 * @throws UserError koffi is not installed, or there is no such library
 */
export async function loadMpi({ launcher }: Pick<Launch, 'launcher'>, env = process.env): Promise<Mpi> {
  const { default: koffi } = await import('koffi').catch((cause: unknown) => {
    throw new UserError(`${launcher} needs the package koffi, which is not installed; run npm install koffi`, 1, {
      cause,
    });
  });
  const names = candidates(launcher, env[libraryVariable]);
  const failures: string[] = [];
  for (const path of names) {
    try {
      // Plug-ins of the library look for its symbols among those of the whole process.
      return declare(koffi.load(path, { global: true }), path);
    } catch (error) {
      failures.push(messageOf(error).replace(/\s+/g, ' '));
    }
  }
  const missing = env[libraryVariable] ? `${libraryVariable}=${names[0]}` : `none of ${[...new Set(names)].join(', ')}`;
  throw new UserError(
    `${launcher} started this process, but its MPI library cannot be loaded (${missing}: ${failures[0]}); install it (Debian: libopenmpi3 or libmpich12), or name its file in ${libraryVariable}`,
  );
}

function declare(library: LibraryHandle, path: string): Mpi {
  const abi = abiOf(library);
  const types = { H: abi.handle, P: 'void *', I: 'int' } as const;
  const functions = Object.entries(signatures).map(([name, letters]) => {
    const parameters = Array.from(letters, (letter) => types[letter as keyof typeof types]);
    return [name, library.func(name, 'int', parameters)] as const;
  });
  return { abi, path, ...Object.fromEntries(functions) } as unknown as Mpi;
}
