/** What features are like where there are no labels to ask: alignment, uniformity, effective rank, spread. */
import { alignment, spread, uniformity } from '../analysis/alignment.ts';
import { effectiveRank } from '../analysis/spectrum.ts';
import type { ImageSet } from '../data/images.ts';
import { hostImages } from '../data/source.ts';
import { Program } from '../graph/program.ts';
import { trace } from '../graph/trace.ts';
import { StepFeeds } from '../ssl/feeds.ts';
import { augmentationConfig, sharedSettings } from '../ssl/settings.ts';
import { traceViews } from '../ssl/views.ts';
import { unitRows } from './clusters.ts';
import type { Evaluation } from './evaluation.ts';

/** A counter of an epoch that no run reaches: its draws are those of no training. */
const viewsEpoch = 0xfffffffd;
/** Images whose views go through the encoder at a time. */
const batch = 32;

export interface LabelFree {
  readonly alignment: number;
  readonly uniformity: number;
  readonly effectiveRank: number;
  readonly spread: number;
}

/**
 * Measures of the features h of a set. Alignment and uniformity are of two views of each image, at length one; the views are SimCLR's
 * (the defaults of its augmentation), drawn alike for every encoder, whatever it was trained on. Rank and spread are of the images
 * as they are.
 *
 * @param features of the set, as `Evaluation.features` gives them
 */
export async function labelFree(
  evaluation: Evaluation,
  set: ImageSet,
  features: Float32Array,
  seed: number,
  signal?: AbortSignal,
): Promise<LabelFree> {
  const { dimensions } = evaluation;
  const [a, b] = (await viewFeatures(evaluation, set, seed, signal)).map((view) => unitRows(view, dimensions));
  return {
    alignment: alignment(a, b, dimensions),
    uniformity: ((await uniformity(a, dimensions, signal)) + (await uniformity(b, dimensions, signal))) / 2,
    effectiveRank: await effectiveRank(features, dimensions, signal),
    spread: spread(unitRows(features, dimensions), dimensions),
  };
}

/** Features [count, dimensions] of a first and of a second view of each image, in inference mode. */
async function viewFeatures(
  { state, encoder, file, dimensions }: Evaluation,
  set: ImageSet,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<[Float32Array, Float32Array]> {
  const source = hostImages(set);
  const feeds = new StepFeeds(batch);
  const group = { count: 2, size: file.imageSize, augmentation: augmentationConfig(sharedSettings.parse({})) };
  const { graph, result } = trace(() => {
    // Encoders of runs are of colours that have a name.
    const [views] = traceViews(source, [group], feeds, { normalize: file.normalize! });
    return { features: encoder.forward(views, { training: false }) };
  });
  const program = await Program.compile(graph, state, result);
  const found: [Float32Array, Float32Array] = [0, 1].map(() => new Float32Array(set.count * dimensions)) as never;
  try {
    for (let start = 0; start < set.count; start += batch) {
      const rows = Math.min(batch, set.count - start);
      // The last batch is filled up with its first image; those rows are dropped.
      const indices = Uint32Array.from({ length: batch }, (_, i) => start + (i < rows ? i : 0));
      const time = { seed, epoch: viewsEpoch, step: 1, steps: 1, perEpoch: 1, indices, first: 0 };
      const values = await program.run({ ...feeds.values(time), ...source.inputs(indices) }).read();
      const views = values['features'] as Float32Array;
      for (const v of [0, 1]) {
        const from = v * batch * dimensions;
        found[v].set(views.subarray(from, from + rows * dimensions), start * dimensions);
      }
      signal?.throwIfAborted();
    }
  } finally {
    program.destroy();
  }
  return found;
}
