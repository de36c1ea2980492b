import type { SequenceSet } from '../data/sequences.ts';
import { Program } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import { input, trace } from '../graph/trace.ts';
import type { Encoder } from '../nn/encoder.ts';
import { windowStarts } from '../ssl/windows.ts';

/** How a `SequenceEmbedder` passes sequences through an encoder. */
export interface SequenceEmbedOptions {
  /** Frames that the encoder is given at a time. */
  readonly window: number;
  /** Windows a run, 64 by default. Results do not depend on it. */
  readonly batchSize?: number;
}

/** Windows of a long sequence that are looked at: an hour of sound costs no more than a minute. */
export const mostWindows = 8;

/** A window of a sequence: its first frame, and the row of features that it counts for. */
interface Window {
  readonly sequence: number;
  readonly row: number;
  readonly first: number;
  /** Of the row's windows. */
  readonly share: number;
}

/** Features of whole sets of sequences, in inference mode: of each sequence the mean over up to 8 windows, evenly over it. */
export class SequenceEmbedder {
  private constructor(
    private readonly program: Program,
    private readonly channels: number,
    private readonly options: Required<SequenceEmbedOptions>,
    /** Numbers in a row of features. */
    readonly dimensions: number,
  ) {}

  /** Compiles for sequences of as many channels as `set` has. The weights are those of `state`, whatever they are at the time of a run. */
  static async create(
    state: State,
    encoder: Pick<Encoder, 'forward' | 'dimensions'>,
    { channels }: Pick<SequenceSet, 'channels'>,
    { window, batchSize = 64 }: SequenceEmbedOptions,
  ): Promise<SequenceEmbedder> {
    const { graph, result } = trace(() => ({
      features: encoder.forward(input('windows', [batchSize, window, channels], 'f32'), { training: false }),
    }));
    const program = await Program.compile(graph, state, result);
    return new SequenceEmbedder(program, channels, { window, batchSize }, encoder.dimensions);
  }

  /**
   * Features [count, dimensions] of the sequences with these numbers, all by default. UserError: a file cannot be read.
   * @param onProgress is given how many sequences are done
   */
  async embed(set: SequenceSet, indices?: Uint32Array, onProgress?: (done: number) => void): Promise<Float32Array> {
    const { dimensions, channels } = this;
    const { window, batchSize } = this.options;
    if (set.channels !== channels) throw new Error(`${set.name} has ${set.channels} channels, expected ${channels}`);
    const wanted = indices ?? Uint32Array.from({ length: set.count }, (_, i) => i);
    const windows = Array.from(wanted, (sequence, row) => {
      const starts = windowStarts(set.length(sequence), window, mostWindows);
      return starts.map((first): Window => ({ sequence, row, first, share: 1 / starts.length }));
    }).flat();
    const features = new Float32Array(wanted.length * dimensions);
    for (let start = 0; start < windows.length; start += batchSize) {
      const part = windows.slice(start, start + batchSize);
      const rows = await this.featuresOf(set, part);
      part.forEach(({ row, share }, i) => {
        for (let d = 0; d < dimensions; d++) features[row * dimensions + d] += share * rows[i * dimensions + d];
      });
      onProgress?.(windows[start + batchSize]?.row ?? wanted.length);
    }
    return features;
  }

  /** Rows behind those of the windows are of zeros. */
  private async featuresOf(set: SequenceSet, windows: readonly Window[]): Promise<Float32Array> {
    const { window, batchSize } = this.options;
    const frames = new Float32Array(batchSize * window * this.channels);
    windows.forEach(({ sequence, first }, i) => set.read(sequence, first, window, frames, i * window * this.channels));
    const { features } = await this.program.run({ windows: frames }).read();
    return features as Float32Array;
  }

  /** Frees the memory on the device. */
  destroy(): void {
    this.program.destroy();
  }
}
