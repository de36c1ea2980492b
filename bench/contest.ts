import type { Gpu } from '../src/gpu/device.ts';
import { relativeDistance } from './arrays.ts';

/** What results are compared by: numbers under names, in PyTorch's layouts. */
export type Values = ReadonlyMap<string, Float32Array>;

/** One implementation of a case: it does the same work as the others, on the same device. */
export interface Contestant {
  /** Of several settings of one library: which. */
  readonly setting: string;
  /** Starts from the case's first state, does the work once and returns what came out. Compiles what has to be. */
  first(): Promise<Values>;
  /** Does the work once. Resolves when the device has finished it. */
  again(): Promise<void>;
  destroy(): void;
}

/** What the command line says of a case's size. */
export interface Size {
  readonly pairs: number;
  readonly imageSize: number;
}

/** A case at one size: ours, and what peers need to know to do the same. */
export interface Contest<Problem> {
  /** For the table: `8 pairs 96×96`. */
  readonly shape: string;
  readonly problem: Problem;
  readonly ours: Contestant;
  /** Floating-point operations of ours. */
  readonly flops: number;
  /** How far a peer's value of a name may be from ours, relative to its norm. */
  tolerance(name: string): number;
}

/** The default export of `cases/<op>.ts`. */
export type OpenCase<Problem> = (gpu: Gpu, size: Size) => Promise<Contest<Problem>>;

/** The default export of `peers/<peer>/<op>.ts`: a contestant for each setting of the peer that may be the fastest. */
export type OpenPeer<Problem> = (gpu: Gpu, problem: Problem) => Promise<readonly Contestant[]>;

/** The value that is farthest from ours, measured by what is allowed. */
export function farthest(peer: Values, ours: Values, tolerance: (name: string) => number) {
  const distances = [...ours].map(([name, value]) => ({ name, distance: relativeDistance(peer.get(name), value) }));
  const share = ({ name, distance }: { name: string; distance: number }) => distance / tolerance(name);
  return distances.reduce((worst, item) => (share(item) > share(worst) ? item : worst));
}
