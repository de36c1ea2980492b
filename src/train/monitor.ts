import { epochOrder } from '../data/order.ts';
import type { ImageSource } from '../data/source.ts';
import { Program } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import { input, trace } from '../graph/trace.ts';
import { cosineSimilarity } from '../ops/cosine_similarity.ts';
import { pairGrid } from '../report/sheets.ts';
import { similarityMatrix } from '../report/similarity.ts';
import type { SimClr } from '../ssl/simclr.ts';
import { twoViews, type ViewOptions, viewSeeds } from '../ssl/views.ts';

/** Pairs in the batch that is drawn. */
const pairs = 8;
/** The counter of the epoch in which the drawn views are augmented: none that a run reaches. */
const drawnEpoch = 0xffffffff;

export interface Picture {
  /** Cosine similarities [2n, 2n] of the embeddings, half-split: view a of all samples, then view b. */
  readonly similarity: Float32Array;
  /** Means over positive pairs, and over all other pairs of different views. */
  readonly positives: number;
  readonly negatives: number;
  /** PNG files. */
  readonly similarityPng: Uint8Array;
  readonly pairsPng: Uint8Array;
}

/** Shows what the network makes of one fixed batch of 8 pairs, always the same views, in inference mode. */
export class Monitor {
  private constructor(
    private readonly program: Program,
    private readonly source: ImageSource,
    private readonly indices: Uint32Array,
    private readonly options: ViewOptions & { seed: number },
  ) {}

  static async create(
    state: State,
    model: SimClr,
    source: ImageSource,
    options: ViewOptions & { seed: number },
  ): Promise<Monitor> {
    const { count } = source.set;
    const indices = epochOrder(count, options.seed, drawnEpoch).slice(0, Math.min(pairs, count));
    const { graph, result } = trace(() => {
      const views = twoViews(source, input('indices', [indices.length], 'u32'), input('seeds', [4], 'u32'), options);
      const z = model.embeddings(views, { training: false });
      return { views, similarity: cosineSimilarity(z, z) };
    });
    return new Monitor(await Program.compile(graph, state, result), source, indices, options);
  }

  /** Runs the batch and draws it. `step` goes into the title. */
  async draw(step: number): Promise<Picture> {
    const { indices, source, options } = this;
    const seeds = viewSeeds(options.seed, drawnEpoch);
    const values = await this.program.run({ indices, seeds, ...source.inputs(indices) }).read();
    const similarity = values['similarity'] as Float32Array;
    const { positives, negatives } = pairMeans(similarity, indices.length);
    const title = `step ${step}  positives ${positives.toFixed(2)}  negatives ${negatives.toFixed(2)}`;
    return {
      similarity,
      positives,
      negatives,
      similarityPng: similarityMatrix(similarity, 2 * indices.length, { title }),
      pairsPng: pairGrid(toPixels(values['views'] as Float32Array, 2 * indices.length, options)),
    };
  }

  destroy(): void {
    this.program.destroy();
  }
}

/** Mean similarity of the positives, and of all pairs of different samples, in a half-split matrix of n pairs. */
export function pairMeans(similarity: Float32Array, n: number): { positives: number; negatives: number } {
  let positives = 0;
  let negatives = 0;
  for (let i = 0; i < 2 * n; i++) {
    for (let k = 0; k < 2 * n; k++) {
      if (k === (i + n) % (2 * n)) positives += similarity[i * 2 * n + k];
      else if (k !== i) negatives += similarity[i * 2 * n + k];
    }
  }
  return { positives: positives / (2 * n), negatives: negatives / (2 * n * (2 * n - 2)) };
}

/** Normalised views [count, size, size, 4] as RGB bytes. */
export function toPixels(
  views: Float32Array,
  count: number,
  { imageSize, mean, std }: Pick<ViewOptions, 'imageSize' | 'mean' | 'std'>,
): Uint8Array[] {
  const pixels = imageSize * imageSize;
  return Array.from({ length: count }, (_, view) =>
    Uint8Array.from({ length: pixels * 3 }, (_, i) => {
      const channel = i % 3;
      const value = views[(view * pixels + Math.floor(i / 3)) * 4 + channel] * std[channel] + mean[channel];
      return Math.round(255 * Math.min(1, Math.max(0, value)));
    }),
  );
}
