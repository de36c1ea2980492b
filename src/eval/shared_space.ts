/** The space that texts and images share, of a run that has learnt from captions. */
import { UserError } from '../errors.ts';
import { Program } from '../graph/program.ts';
import type { Data, Tensor } from '../graph/tensor.ts';
import { input, trace } from '../graph/trace.ts';
import { readSafetensors } from '../io/safetensors.ts';
import type { TextTower } from '../ssl/method.ts';
import { loadLearner, readCheckpoint } from '../train/checkpoint.ts';
import type { Evaluation } from './evaluation.ts';

/** Rows that a program takes at a time. */
const most = 64;

/** A checkpoint's text network, and what brings features of its encoder into the space of its texts. */
export class SharedSpace {
  private constructor(
    private readonly evaluation: Evaluation,
    readonly tower: TextTower,
  ) {}

  /** Reads the text network into the state of an evaluation. UserError: its file has none. */
  static open(evaluation: Evaluation): SharedSpace {
    const { state, file } = evaluation;
    const { path } = file;
    const remedy = "give the folder or a checkpoint of a run of '--method clip'";
    if (readSafetensors(path).metadata['settings'] === undefined)
      throw new UserError(`${path}: no checkpoint of a run, and only those have a text network; ${remedy}`);
    if (file.head) throw new UserError('--from-head-layer: texts share the space of the encoder itself; omit it', 2);
    const checkpoint = readCheckpoint(path);
    const { texts } = loadLearner(state, checkpoint);
    if (!texts)
      throw new UserError(`${path}: a run of '--method ${checkpoint.settings.method}' has no text network; ${remedy}`);
    return new SharedSpace(evaluation, texts);
  }

  /** Numbers of an embedding. */
  get dimensions(): number {
    return this.tower.dimensions;
  }

  /** Embeddings of texts [texts, dimensions], of length one. */
  texts(texts: readonly string[]): Promise<Float32Array> {
    const { tokenizer, context } = this.tower;
    const rows = texts.map((text) => tokenizer.row(text, context));
    return this.map(
      rows.length,
      (n) => {
        const [ids, last] = [input('ids', [n * context], 'u32'), input('last', [n], 'u32')];
        return this.tower.text(ids, last, { training: false });
      },
      (batch) => ({
        ids: Uint32Array.from(batch.flatMap((row) => Array.from(rows[row].ids))),
        last: Uint32Array.from(batch, (row, place) => place * context + rows[row].count - 1),
      }),
    );
  }

  /** Embeddings of images [count, dimensions], of length one, from their features [count, dimensions of the encoder]. */
  images(features: Float32Array): Promise<Float32Array> {
    const { dimensions } = this.evaluation;
    return this.map(
      features.length / dimensions,
      (n) => this.tower.image(input('features', [n, dimensions], 'f32')),
      (batch) => {
        const rows = new Float32Array(batch.length * dimensions);
        for (const [place, row] of batch.entries())
          rows.set(features.subarray(row * dimensions, (row + 1) * dimensions), place * dimensions);
        return { features: rows };
      },
    );
  }

  /** Runs a program of n rows on all of `count` rows; the last batch is filled up with its first row. */
  private async map(
    count: number,
    build: (n: number) => Tensor,
    inputsOf: (rows: readonly number[]) => Record<string, Data>,
  ): Promise<Float32Array> {
    const n = Math.min(most, count);
    const { graph, result } = trace(() => ({ rows: build(n) }));
    const program = await Program.compile(graph, this.evaluation.state, result);
    const all = new Float32Array(count * this.dimensions);
    try {
      for (let start = 0; start < count; start += n) {
        const batch = Array.from({ length: n }, (_, i) => (start + i < count ? start + i : start));
        const { rows } = await program.run(inputsOf(batch)).read();
        const made = Math.min(n, count - start) * this.dimensions;
        all.set((rows as Float32Array).subarray(0, made), start * this.dimensions);
      }
    } finally {
      program.destroy();
    }
    return all;
  }
}

/** Inner products of rows a [n, D] with rows b [m, D], in float64: [n, m]. */
export function products(a: Float32Array, b: ArrayLike<number>, dimensions: number): Float32Array {
  const [n, m] = [a.length / dimensions, b.length / dimensions];
  const result = new Float32Array(n * m);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let d = 0; d < dimensions; d++) sum += a[i * dimensions + d] * b[j * dimensions + d];
      result[i * m + j] = sum;
    }
  return result;
}
