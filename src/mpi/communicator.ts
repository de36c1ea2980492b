/** Processes that train together, as the rest of the program knows them: not how they reach each other. */

/**
 * One of several processes (ranks). All ranks call the same methods in the same order, `abort` apart: each call waits for the others.
 * Arrays must be left alone until the promise is kept.
 */
export interface Communicator {
  /** From 0. */
  readonly rank: number;
  readonly size: number;
  /** Replaces values [n] by their sums over all ranks, the same numbers on each. */
  sum(values: Float32Array): Promise<void>;
  /** The values [n] of all ranks, as many of each, in the order of the ranks: [size · n]. */
  gather(own: Float32Array): Promise<Float32Array>;
  /** The bytes of rank 0; what others give is not looked at. */
  share(bytes: Uint8Array): Promise<Uint8Array>;
  /** The texts of all ranks, in their order. */
  collect(text: string): Promise<string[]>;
  /** Ends all processes at once, this one too. */
  abort(exitCode: number): void;
  /** Waits until all ranks are here and ends the communication: without it a launcher takes the end of a process for a crash. */
  finish(): Promise<void>;
}

/** The text of rank 0. */
export const shareText = async (ranks: Communicator, text = ''): Promise<string> =>
  new TextDecoder().decode(await ranks.share(new TextEncoder().encode(text)));
