import { z } from 'zod';
import { type Preparation, preparation as preparationOf } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { checked } from '../io/checked.ts';
import { readSafetensors, writeSafetensors } from '../io/safetensors.ts';
import { supervised } from '../methods/supervised.ts';
import { Classifier, type ClassifierOptions } from '../nn/classifier.ts';
import { architectures, encoderInputs, shapeMetadata, shapeOf } from '../nn/encoder_shape.ts';
import { stems } from '../nn/resnet.ts';
import { readEntries, type TorchTensor, writeEntries } from '../nn/state_dict.ts';
import { positionKinds } from '../nn/vit.ts';
import { readCheckpoint } from './checkpoint.ts';
import { floatTensors, moduleTensors, stored } from './checkpoint_tensors.ts';
import { headSchema } from './head_file.ts';

const kind = 'simclr-webgpu classifier 1';

const three = z.tuple([z.number(), z.number(), z.number()]).readonly();

/** What a file says of a classifier beside its tensors. */
const factsSchema = z.object({
  options: z.object({
    architecture: z.enum(architectures),
    stem: z.enum(stems),
    /** Files of older versions do not say it. */
    width: z.number().gt(0).default(1),
    patch: z.number().int().min(1).optional(),
    grid: z.number().int().min(1).optional(),
    positions: z.enum(positionKinds).optional(),
    norm: z.literal('layer').optional(),
    input: z.enum(encoderInputs).optional(),
    colours: z.object({ mean: three, std: three }).optional(),
    seed: z.number(),
    classes: z.number().int().min(1),
    /** Layers of a projection head; none in most files. */
    head: headSchema.optional(),
  }),
  preparation: z.object({ imageSize: z.number().int().min(1), mean: three, std: three }),
  /** Undefined where the classes have no names. */
  classNames: z.array(z.string()).readonly().optional(),
});

export interface ClassifierFacts {
  readonly options: ClassifierOptions;
  readonly preparation: Preparation;
  readonly classNames?: readonly string[] | undefined;
}

/**
 * Writes a classifier under torchvision's names and shapes, so that `torchvision.models.resnet18(num_classes=…)` loads it too, with
 * what `readClassifier` needs to know in the metadata. Layers of a projection head are `head.0.weight`, …: a `Sequential` between
 * torchvision's `avgpool` and `fc`.
 *
 * @param steps training steps of the encoder's batch norms, PyTorch's `num_batches_tracked`: of all, or by the name of a tensor
 */
export async function saveClassifier(
  path: string,
  state: State,
  classifier: Classifier,
  { preparation, classNames }: Omit<ClassifierFacts, 'options'>,
  steps: number | ((name: string) => number),
): Promise<void> {
  const values = await readEntries(state, [...classifier.parameters, ...classifier.buffers]);
  const facts: ClassifierFacts = { options: classifier.options, preparation, classNames };
  const shape = shapeMetadata(classifier.options);
  const metadata = { format: 'pt', kind, ...shape, classifier: JSON.stringify(facts) };
  writeSafetensors(path, stored(values, steps), metadata);
}

/** A classifier before it is on a device. */
export interface ClassifierFile extends ClassifierFacts {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TorchTensor>;
}

/** Reads what `saveClassifier` wrote, or a checkpoint of a run of `--method supervised`. UserError: damaged, or no classifier. */
export function readClassifier(path: string): ClassifierFile {
  const { metadata, tensors } = readSafetensors(path);
  if (metadata['kind'] === kind)
    return { path, tensors: floatTensors(tensors, path), ...factsOf(metadata['classifier'] ?? '', path) };
  const remedy = 'give the model.safetensors of a supervised training, or a run of --method supervised';
  if (metadata['settings'] === undefined) throw new UserError(`${path}: not a simclr-webgpu classifier; ${remedy}`);
  const checkpoint = readCheckpoint(path);
  const { settings, images } = checkpoint;
  if (settings.method !== supervised.name)
    throw new UserError(`${path}: a run of --method ${settings.method}, which has no classifier; ${remedy}`);
  return {
    ...{
      path,
      tensors: moduleTensors(checkpoint),
      preparation: preparationOf(settings),
      classNames: images.classNames,
    },
    options: { ...shapeOf(settings), seed: settings.seed, classes: images.classes },
  };
}

/** The classifier of a file, with its values in `state`. UserError: a tensor is missing or has another shape. */
export function classifierIn(state: State, { path, options, tensors }: ClassifierFile): Classifier {
  const classifier = new Classifier(options);
  writeEntries(state, [...classifier.parameters, ...classifier.buffers], tensors, path);
  return classifier;
}

/** Reads a classifier into `state`, as `readClassifier` does. */
export function loadClassifier(state: State, path: string): ClassifierFacts & { readonly classifier: Classifier } {
  const file = readClassifier(path);
  const { options, preparation, classNames } = file;
  return { options, preparation, classNames, classifier: classifierIn(state, file) };
}

function factsOf(text: string, path: string): ClassifierFacts {
  const remedy = 'train the classifier again';
  try {
    return checked(factsSchema, JSON.parse(text), { source: `${path}: damaged metadata`, remedy });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path}: its metadata are damaged; ${remedy}`);
  }
}
