import { firstTexts, type TextSet } from '../data/texts.ts';
import type { TokenRow } from '../data/tokenizer.ts';
import { Program } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import { input, trace } from '../graph/trace.ts';
import type { EncoderOfTexts } from '../nn/encoder.ts';
import { seenOf } from '../ssl/texts.ts';

/** Features of texts, in inference mode. */
export class TextEmbedder {
  private constructor(
    private readonly program: Program,
    private readonly encoder: Pick<EncoderOfTexts, 'tokenizer' | 'context' | 'dimensions'>,
    private readonly batchSize: number,
  ) {}

  /**
   * Compiles for the encoder of a state. The weights are those of `state`, whatever they are at the time of a run.
   * @param batchSize texts a run, 64 by default; results do not depend on it
   */
  static async create(
    state: State,
    encoder: Pick<EncoderOfTexts, 'tokenizer' | 'context' | 'dimensions' | 'forward'>,
    { batchSize = 64 }: { readonly batchSize?: number } = {},
  ): Promise<TextEmbedder> {
    const { context } = encoder;
    const { graph, result } = trace(() => {
      const ids = input('ids', [batchSize * context], 'u32');
      const ends = { last: input('last', [batchSize], 'u32'), seen: input('seen', [batchSize, context], 'f32') };
      return { features: encoder.forward(ids, { training: false }, ends) };
    });
    return new TextEmbedder(await Program.compile(graph, state, result), encoder, batchSize);
  }

  /** Numbers in a row of features. */
  get dimensions(): number {
    return this.encoder.dimensions;
  }

  /** Features [count, dimensions] of the first text of the rows with these numbers, all by default. @param onProgress is given how many are done */
  embed(set: TextSet, indices?: Uint32Array, onProgress?: (done: number) => void): Promise<Float32Array> {
    const texts = firstTexts(set);
    return this.texts(indices ? Array.from(indices, (row) => texts[row]) : texts, onProgress);
  }

  /** Features [texts, dimensions] of any texts. */
  async texts(texts: readonly string[], onProgress?: (done: number) => void): Promise<Float32Array> {
    const { dimensions, batchSize } = this;
    const { tokenizer, context } = this.encoder;
    const features = new Float32Array(texts.length * dimensions);
    for (let start = 0; start < texts.length; start += batchSize) {
      const part = texts.slice(start, start + batchSize).map((text) => tokenizer.row(text, context));
      const { features: rows } = await this.program.run(this.inputsOf(part)).read();
      features.set((rows as Float32Array).subarray(0, part.length * dimensions), start * dimensions);
      onProgress?.(start + part.length);
    }
    return features;
  }

  /** The last batch is filled up with its first text; those rows are dropped. */
  private inputsOf(part: readonly TokenRow[]) {
    const { batchSize } = this;
    const { context } = this.encoder;
    const [ids, last] = [new Uint32Array(batchSize * context), new Uint32Array(batchSize)];
    const seen = new Float32Array(batchSize * context);
    for (let place = 0; place < batchSize; place++) {
      const row = part[place] ?? part[0];
      ids.set(row.ids, place * context);
      last[place] = place * context + row.count - 1;
      seen.set(seenOf(row.count, context), place * context);
    }
    return { ids, last, seen };
  }

  /** Frees the memory on the device. */
  destroy(): void {
    this.program.destroy();
  }
}
