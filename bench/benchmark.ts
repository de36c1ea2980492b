import type { Gpu } from '../src/gpu/device.ts';
import type { PlanOptions } from '../src/graph/plan.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import type { Graph } from '../src/graph/trace.ts';
import { relativeDistance } from './arrays.ts';

/** What results are compared by: numbers under names, in PyTorch's layouts unless a case says otherwise. */
export type Values = ReadonlyMap<string, Float32Array>;

/** One implementation of a case: it does the same work as the others, on the same device where it can. */
export interface Implementation {
  /** Of several settings of one library: which. */
  readonly setting: string;
  /** Starts from the case's first state, does the work once and returns what came out. Compiles what has to be. Called once. */
  first(): Promise<Values>;
  /** Does the work `times` times and resolves when the device has finished it. Results stay where they are made: no copies back. */
  run(times: number): Promise<void>;
  /** Like `run`, with the milliseconds that it took, where another process does the work and the way there is not to count. */
  timed?(times: number): Promise<number>;
  /** How far its value of a name may be from ours, where it computes in a coarser format; `usual` is what the case allows. */
  tolerance?(name: string, usual: number): number;
  destroy(): void;
}

/** Our side of a case, which knows what it costs. */
export interface Ours extends Implementation {
  /** Floating-point operations of one run, a multiply-add counting two. */
  readonly flops: number;
  /** Bytes that one run must move at least: what it reads and what it leaves, each tensor once. */
  readonly bytes: number;
  /** The same results by another way, to compare with where no peer is asked for; undefined where there is none. */
  check(): Promise<Check | undefined>;
  /** Milliseconds of the device in kernels for one run, by its own clock; undefined where it has none. */
  kernelTime(): Promise<number | undefined>;
}

export interface Check {
  /** `float64 reference`, `variant 'portable'`. */
  readonly name: string;
  readonly values: Values;
}

/** What the command line says of the cases' sizes. */
export interface Request {
  readonly pairs: number;
  readonly imageSize: number;
  /** Small shapes, and fewer of them. */
  readonly quick: boolean;
}

/** A graph, and what of it is computed. */
export interface Traced {
  readonly graph: Graph;
  readonly outputs: readonly Tensor[];
}

/** A case at one size, before anything is allocated: a row of the table. */
export interface Item<Problem> {
  /** `conv2d forward`: begins with the name of the case. */
  readonly name: string;
  /** For the table, and for `--shape`: `16×24×24×64, 3×3, 64`. */
  readonly shape: string;
  /** What ours computes, of whatever values: which variants of kernels there are is asked before anything is measured. */
  trace(): Traced;
  /** Makes the data and compiles our side. `selectVariant` picks among the variants of kernels. */
  open(gpu: Gpu, options: Pick<PlanOptions, 'selectVariant'>): Promise<Benchmark<Problem>>;
}

/** An opened item: ours, and what peers need to know to do the same. */
export interface Benchmark<Problem> {
  readonly problem: Problem;
  readonly ours: Ours;
  /** How far another's value of a name may be from ours, relative to its norm. */
  tolerance(name: string): number;
}

/** The default export of `cases/<op>.ts`. */
export type ListItems<Problem> = (request: Request) => readonly Item<Problem>[];

/**
 * The default export of `peers/<peer>/<op>.ts`: an implementation for each setting of the peer that may be the fastest; none where
 * the peer lacks the operation. A `UserError` leaves the peer out of the row and is told. `work` is what ours costs.
 */
export type OpenPeer<Problem> = (
  gpu: Gpu,
  problem: Problem,
  work: Pick<Ours, 'flops' | 'bytes'>,
) => Promise<readonly Implementation[]>;

/** The value that is farthest from ours, measured by what is allowed. */
export function farthest(peer: Values, ours: Values, tolerance: (name: string) => number) {
  const distances = [...ours].map(([name, value]) => ({ name, distance: relativeDistance(peer.get(name), value) }));
  const share = ({ name, distance }: { name: string; distance: number }) => distance / tolerance(name);
  return distances.reduce((worst, item) => (share(item) > share(worst) ? item : worst));
}
