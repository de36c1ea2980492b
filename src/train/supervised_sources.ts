import { featureExamples, imageExamples } from '../analysis/classifier.ts';
import { Embedder } from '../analysis/embed.ts';
import type { ImageSet } from '../data/images.ts';
import { preparation } from '../data/preparation.ts';
import type { ImageSource } from '../data/source.ts';
import type { State } from '../graph/state.ts';
import type { Classifier } from '../nn/classifier.ts';
import { imageSourceOf } from './learner.ts';
import type { SupervisedData } from './supervised_data.ts';
import type { SupervisedSettings } from './supervised_settings.ts';
import type { SupervisedTask } from './supervised_training.ts';

type Sources = Pick<SupervisedTask, 'source' | 'features' | 'test' | 'unlabelled'>;

/** Images whose features are computed at a time. */
const featureBatch = 256;

/** Both sets as images, which go through the encoder in every step. */
export const imageSources = (state: State, data: SupervisedData, settings: SupervisedSettings): Sources => ({
  source: imageSourceOf(state, data.train, settings),
  test: imageExamples(imageSourceOf(state, data.test, settings), preparation(settings)),
  ...(data.unlabelled && settings.consistency > 0 && { unlabelled: imageSourceOf(state, data.unlabelled, settings) }),
});

/** Both sets as features, computed once by the encoder as it is, in inference mode. */
export async function featureSources(
  state: State,
  { encoder }: Classifier,
  { train, test }: SupervisedData,
  settings: SupervisedSettings,
  onFeatures?: (done: number, total: number) => void,
): Promise<Sources> {
  const total = train.count + test.count;
  const { dimensions } = encoder;
  const featuresOf = async (set: ImageSet, before: number) => {
    const options = { ...preparation(settings), batchSize: Math.min(featureBatch, set.count) };
    const embedder = await Embedder.create(state, encoder, set, options);
    try {
      return await embedder.embed(set, undefined, (done) => onFeatures?.(before + done, total));
    } finally {
      embedder.destroy();
    }
  };
  const rows = await featuresOf(train, 0);
  const row = (image: number) => rows.subarray(image * dimensions, (image + 1) * dimensions);
  return {
    source: withoutImages(train),
    features: (feeds) => feeds.rows('features', dimensions, row),
    test: featureExamples(await featuresOf(test, train.count), dimensions),
  };
}

/** A set whose images no program reads. */
const withoutImages = (set: ImageSet): ImageSource => ({
  set,
  images: () => {
    throw new Error(`${set.name}: features are trained on, not images`);
  },
  inputs: () => ({}),
});
