import { epochOrder } from '../data/order.ts';
import { normalization, type Preparation } from '../data/preparation.ts';
import { type ImageSource, imagesOf } from '../data/source.ts';
import { Program } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import { trace } from '../graph/trace.ts';
import { cosineSimilarity } from '../ops/cosine_similarity.ts';
import { StepFeeds } from '../ssl/feeds.ts';
import type { SimilarityOfPairs } from '../ssl/method.ts';
import { type Pixels, toPixels } from '../ssl/pixels.ts';
import type { StepParts } from '../ssl/step.ts';
import { traceViews } from '../ssl/views.ts';

/** Pairs in the batch that is drawn. */
const pairs = 8;
/** The counter of the epoch in which the drawn views are augmented: none that a run reaches. */
export const drawnEpoch = 0xffffffff;

/** How similar the pairs are. */
export interface PairsDrawn {
  /** Cosine similarities [2n, 2n] of the embeddings, half-split: view a of all samples, then view b. */
  readonly similarity: Float32Array;
  /** Means over positive pairs, and over all other pairs of different views. */
  readonly positives: number;
  readonly negatives: number;
}

/** The views of one batch, and how similar their embeddings are. */
export interface Probed {
  readonly pairs: PairsDrawn;
  /** View a of all samples, then view b. */
  readonly views: readonly Pixels[];
}

/** Looks at what the network makes of one fixed batch of 8 pairs, always the same views, in inference mode. */
export class SimilarityProbe {
  private constructor(
    private readonly program: Program,
    private readonly source: ImageSource,
    private readonly feeds: StepFeeds,
    private readonly indices: Uint32Array,
    private readonly options: Preparation & { readonly seed: number },
  ) {}

  static async create(
    state: State,
    { source: samples, views: groups, settings }: StepParts,
    { embed }: SimilarityOfPairs,
  ): Promise<SimilarityProbe> {
    const source = imagesOf(samples);
    const { count } = source.set;
    const { seed } = settings;
    const indices = epochOrder(count, seed, drawnEpoch).slice(0, Math.min(pairs, count));
    const feeds = new StepFeeds(indices.length);
    const { graph, result } = trace(() => {
      const [views] = traceViews(source, [{ ...groups[0], count: 2, from: undefined }], feeds, settings);
      const z = embed(views);
      return { views, similarity: cosineSimilarity(z, z) };
    });
    const options = { imageSize: groups[0].size, ...normalization(settings), seed };
    return new SimilarityProbe(await Program.compile(graph, state, result), source, feeds, indices, options);
  }

  /** Runs the batch with the weights as they are at `step`. */
  async look(step: number): Promise<Probed> {
    const { indices, source, options, feeds } = this;
    const time = { seed: options.seed, epoch: drawnEpoch, step, steps: step, perEpoch: 1, indices, first: 0 };
    const values = await this.program.run({ ...feeds.values(time), ...source.inputs(indices) }).read();
    const similarity = values['similarity'] as Float32Array;
    return {
      pairs: { similarity, ...pairMeans(similarity, indices.length) },
      views: toPixels(values['views'], options.imageSize, options),
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
