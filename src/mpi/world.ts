/** All processes of a run that MPI connects: its MPI_COMM_WORLD. */
import { UserError } from '../errors.ts';
import type { Communicator } from './communicator.ts';
import type { Launch } from './launch.ts';
import { libraryVariable, loadMpi, type Mpi } from './library.ts';
import { completed, moved } from './wait.ts';

/** Milliseconds after which the others count as gone, once this process has been told to end: the first may have a checkpoint to write. */
const patience = 30_000;
/** As often as long as the longest wait so far, where steps are slow. */
const timesLonger = 3;

/** Bytes that take more than a look to move: all ranks meet first, sparing with the processor, and move them then without rest. */
const large = 2 ** 16;

type Request = Int32Array | BigUint64Array;

/**
 * Collectives that do not block: the event loop goes on, for signals and for the device, while others are waited for. They run one after
 * another in the order of the calls, which is the same on all ranks.
 */
export class MpiWorld implements Communicator {
  private ended = false;
  private turn: Promise<unknown> = Promise.resolve();
  /** Milliseconds of the longest wait while training. */
  private longest = 0;
  private leaving: AbortSignal | undefined;

  private constructor(
    private readonly mpi: Mpi,
    readonly rank: number,
    readonly size: number,
  ) {}

  /**
   * Joins the processes that a launcher has started.
   * @throws UserError no library, or one of another MPI than the launcher's: it would see one process where there are several
   */
  static async join(launch: Launch): Promise<MpiWorld> {
    const mpi = await loadMpi(launch);
    mpi.MPI_Init(null, null);
    const [rank, size] = [new Int32Array(1), new Int32Array(1)];
    mpi.MPI_Comm_rank(mpi.abi.world, rank);
    mpi.MPI_Comm_size(mpi.abi.world, size);
    checkMembership(launch, { rank: rank[0], size: size[0] }, mpi);
    return new MpiWorld(mpi, rank[0], size[0]);
  }

  sum(values: Float32Array): Promise<void> {
    const { abi } = this.mpi;
    return this.collective(values.byteLength, (request) =>
      this.mpi.MPI_Iallreduce(abi.inPlace, values, values.length, abi.float, abi.sum, abi.world, request),
    );
  }

  async gather(own: Float32Array): Promise<Float32Array> {
    const all = new Float32Array(this.size * own.length);
    const { abi } = this.mpi;
    const { length } = own;
    await this.collective(all.byteLength, (request) =>
      this.mpi.MPI_Iallgather(own, length, abi.float, all, length, abi.float, abi.world, request),
    );
    return all;
  }

  async share(bytes: Uint8Array): Promise<Uint8Array> {
    const length = Uint32Array.of(bytes.length);
    await this.broadcast(length);
    const shared = new Uint8Array(length[0]);
    if (this.rank === 0) shared.set(bytes);
    await this.broadcast(shared);
    return shared;
  }

  async collect(text: string): Promise<string[]> {
    const own = Buffer.from(text);
    const lengths = new Uint32Array(this.size);
    await this.gatherBytes(Uint32Array.of(own.length), lengths);
    const room = Math.max(...lengths); // each sends as much as the longest text has
    const padded = new Uint8Array(room);
    padded.set(own);
    const all = new Uint8Array(room * this.size);
    await this.gatherBytes(padded, all);
    return Array.from(lengths, (length, rank) => Buffer.from(all.buffer, rank * room, length).toString());
  }

  private async broadcast(values: Uint8Array | Uint32Array): Promise<void> {
    if (values.length === 0) return; // all ranks know
    const { byte, world } = this.mpi.abi;
    const n = values.byteLength;
    return this.collective(n, (request) => this.mpi.MPI_Ibcast(values, n, byte, 0, world, request));
  }

  private async gatherBytes(own: Uint8Array | Uint32Array, all: Uint8Array | Uint32Array): Promise<void> {
    if (own.length === 0) return;
    const { byte, world } = this.mpi.abi;
    const { byteLength: n } = own;
    return this.collective(all.byteLength, (request) =>
      this.mpi.MPI_Iallgather(own, n, byte, all, n, byte, world, request),
    );
  }

  /**
   * From when `signal` is aborted on, the others may be gone: a launcher asks processes to end when one of them was killed, and then they
   * cannot agree any more. A wait that is long for this run then fails.
   */
  leaveAfter(signal: AbortSignal): void {
    this.leaving = signal;
  }

  private checkWait(waited: number): void {
    if (!this.leaving?.aborted || waited < Math.max(patience, timesLonger * this.longest)) return;
    throw new UserError(
      'was asked to stop, and another process no longer answers; stopped without saving: continue from the last checkpoint with --resume',
    );
  }

  /** Runs a collective that moves so many bytes, behind those that were asked for before. */
  private collective(bytes: number, start: (request: Request) => number): Promise<void> {
    const run = async () => {
      if (bytes < large) return this.wait(start, completed);
      await this.wait((request) => this.mpi.MPI_Ibarrier(this.mpi.abi.world, request), completed);
      await this.wait(start, moved);
    };
    const done = this.turn.then(run);
    this.turn = done;
    done.catch(() => {}); // whoever asked is told
    return done;
  }

  /** Starts one of MPI’s and waits for its end. */
  private async wait(start: (request: Request) => number, until: typeof completed): Promise<void> {
    const request = this.mpi.abi.request();
    start(request);
    const done = new Int32Array(1);
    const begun = performance.now();
    await until(
      () => {
        this.mpi.MPI_Test(request, done, this.mpi.abi.statusIgnore);
        return done[0] !== 0;
      },
      (waited) => this.checkWait(waited),
    );
    // What is measured and compiled before training is long everywhere, and says nothing of a step.
    if (this.leaving) this.longest = Math.max(this.longest, performance.now() - begun);
  }

  abort(exitCode: number): void {
    this.mpi.MPI_Abort(this.mpi.abi.world, exitCode);
  }

  async finish(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    this.leaving = undefined; // all have agreed to end, and the first may still be writing
    await this.collective(0, (request) => this.mpi.MPI_Ibarrier(this.mpi.abi.world, request));
    this.mpi.MPI_Finalize();
  }
}

/** UserError: MPI does not know the processes that the launcher has started. */
function checkMembership(
  { launcher, rank, size }: Launch,
  found: { readonly rank: number; readonly size: number },
  { path, abi }: Pick<Mpi, 'path' | 'abi'>,
): void {
  if (found.size > 1 && found.rank === rank && (size === undefined || found.size === size)) return;
  const expected = size === undefined ? `rank ${rank}` : `rank ${rank} of ${size}`;
  throw new UserError(
    `${launcher} started this process as ${expected}, but ${path} (${abi.name}) sees rank ${found.rank} of ${found.size}: it is of another MPI than the launcher; name the launcher's library in ${libraryVariable}`,
  );
}
