import { featureExamples, imageExamples } from '../analysis/classifier.ts';
import { Embedder } from '../analysis/embed.ts';
import type { ImageSet } from '../data/images.ts';
import { hostImages, residentImages } from '../data/source.ts';
import type { State } from '../graph/state.ts';
import type { Classifier } from '../nn/classifier.ts';
import type { SupervisedData } from './supervised_data.ts';
import type { SupervisedTask } from './supervised_loop.ts';
import { preparation, type SupervisedSettings, supervisedStepOptions } from './supervised_settings.ts';
import { type SupervisedMode, trainingImages } from './supervised_step.ts';

type Sources = Pick<SupervisedTask, 'train' | 'test'>;

/** Images whose features are computed at a time. */
const featureBatch = 256;

/** Both sets as images, which go through the encoder in every step. */
export function imageSources(
  state: State,
  data: SupervisedData,
  mode: SupervisedMode,
  settings: SupervisedSettings,
): Sources {
  const sourceOf = (set: ImageSet) => (settings.images === 'gpu' ? residentImages(state, set) : hostImages(set));
  const options = supervisedStepOptions(settings, settings.batchSize);
  return {
    train: trainingImages(sourceOf(data.train), mode, options),
    test: imageExamples(sourceOf(data.test), preparation(settings)),
  };
}

/** Both sets as features, computed once by the encoder as it is, in inference mode. */
export async function featureSources(
  state: State,
  classifier: Classifier,
  { train, test }: SupervisedData,
  settings: SupervisedSettings,
  onFeatures?: (done: number, total: number) => void,
): Promise<Sources> {
  const total = train.count + test.count;
  const featuresOf = async (set: ImageSet, before: number) => {
    const options = { ...preparation(settings), batchSize: Math.min(featureBatch, set.count) };
    const embedder = await Embedder.create(state, classifier.encoder, set, options);
    try {
      const features = await embedder.embed(set, undefined, (done) => onFeatures?.(before + done, total));
      return featureExamples(features, embedder.dimensions);
    } finally {
      embedder.destroy();
    }
  };
  return { train: await featuresOf(train, 0), test: await featuresOf(test, train.count) };
}
