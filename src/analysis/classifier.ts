import type { ImageSet } from '../data/images.ts';
import type { Preparation } from '../data/preparation.ts';
import { hostImages, type ImageSource } from '../data/source.ts';
import { UserError } from '../errors.ts';
import { Program } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import type { Data, Tensor } from '../graph/tensor.ts';
import { input, trace } from '../graph/trace.ts';
import type { Classifier } from '../nn/classifier.ts';
import { preprocess } from '../ops/augment.ts';
import { fromCounts } from './recognition.ts';

/** What a classifier is run on: images, or features that were computed before. */
export interface Examples {
  readonly count: number;
  /** Records how the features [N, dimensions] of a batch are made; `indices` u32 [N]. */
  features(classifier: Classifier, indices: Tensor): Tensor;
  /** What `program.run` is to be given for the examples with these indices, beside the indices. */
  inputs(indices: Uint32Array): Readonly<Record<string, Data>>;
}

/** Images without augmentation, the encoder in inference mode. */
export const imageExamples = (source: ImageSource, { imageSize: size, mean, std }: Preparation): Examples => ({
  count: source.set.count,
  features(classifier, indices) {
    const { height, width } = source.set;
    const x = preprocess(source.images(indices), { height, width, size, mean, std });
    return classifier.features(x, { training: false });
  },
  inputs: (indices) => source.inputs(indices),
});

/** Rows [count, dimensions] that stand for images whose features do not change; each batch is sent to the GPU. */
export const featureExamples = (rows: Float32Array, dimensions: number): Examples => ({
  count: rows.length / dimensions,
  features: (_classifier, indices) => input('features', [indices.size, dimensions], 'f32'),
  inputs(indices) {
    const features = new Float32Array(indices.length * dimensions);
    indices.forEach((index, i) =>
      features.set(rows.subarray(index * dimensions, (index + 1) * dimensions), i * dimensions),
    );
    return { features };
  },
});

/** What a classifier says of examples, row by row. */
export interface Predictions {
  /** [count, classes] */
  readonly logits: Float32Array;
  /** The class with the first of the largest logits. */
  readonly classes: Uint32Array;
}

/** A compiled classifier in inference mode. Its weights are those of the state, whatever they are at the time of a run. */
export class Predictor {
  private constructor(
    private readonly program: Program,
    private readonly examples: Examples,
    private readonly batchSize: number,
    private readonly classes: number,
  ) {}

  /** Compiles for batches of `batchSize`, 256 by default. Results do not depend on it. */
  static async create(
    state: State,
    classifier: Classifier,
    examples: Examples,
    batchSize = Math.min(256, examples.count),
  ): Promise<Predictor> {
    const { graph, result } = trace(() => {
      const features = examples.features(classifier, input('indices', [batchSize], 'u32'));
      return { logits: classifier.logits(features) };
    });
    const program = await Program.compile(graph, state, result);
    return new Predictor(program, examples, batchSize, classifier.options.classes);
  }

  /**
   * Runs the examples with these indices, all by default, each once.
   *
   * @param examples others of the same kind and image size: only where they send each batch (`hostImages`, features)
   */
  async predict(indices?: Uint32Array, examples = this.examples): Promise<Predictions> {
    const wanted = indices ?? Uint32Array.from({ length: examples.count }, (_, i) => i);
    const logits = new Float32Array(wanted.length * this.classes);
    for (let start = 0; start < wanted.length; start += this.batchSize) {
      const part = wanted.subarray(start, start + this.batchSize);
      // The last batch is filled up with its first example; those rows are dropped.
      const batch = Uint32Array.from({ length: this.batchSize }, (_, i) => part[i] ?? part[0]);
      const { logits: rows } = await this.program.run({ indices: batch, ...examples.inputs(batch) }).read();
      logits.set((rows as Float32Array).subarray(0, part.length * this.classes), start * this.classes);
    }
    return predictionsOf(logits, this.classes);
  }

  /** Gives the program's memory back. */
  destroy(): void {
    this.program.destroy();
  }
}

/** What logits [rows, classes] say. */
export function predictionsOf(logits: Float32Array, classes: number): Predictions {
  const chosen = Uint32Array.from({ length: logits.length / classes }, (_, row) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[row * classes + c] > logits[row * classes + best]) best = c;
    return best;
  });
  return { logits, classes: chosen };
}

export interface Evaluation {
  /** Examples, each counted once. */
  readonly count: number;
  /** Mean softmax cross-entropy. */
  readonly loss: number;
  /** 0 to 1. */
  readonly accuracy: number;
  /** Mean of the accuracies of the classes that have examples. */
  readonly balancedAccuracy: number;
  /** How many examples of class i (row) were taken for class k (column). */
  readonly confusion: readonly (readonly number[])[];
}

/** Compares predictions with labels, one for each row; sums in float64. */
export function evaluate({ logits, classes: predicted }: Predictions, labels: ArrayLike<number>): Evaluation {
  const count = predicted.length;
  const classes = logits.length / count;
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  let loss = 0;
  for (let row = 0; row < count; row++) {
    const values = logits.subarray(row * classes, (row + 1) * classes);
    const most = values[predicted[row]];
    const sum = values.reduce((total, value) => total + Math.exp(value - most), 0);
    loss += Math.log(sum) - (values[labels[row]] - most);
    confusion[labels[row]][predicted[row]]++;
  }
  const byClass = confusion.map((row, i) => [row[i], row.reduce((sum, number) => sum + number, 0)] as const);
  return { count, loss: loss / count, ...fromCounts(byClass), confusion };
}

/** Runs a classifier on images of a set, all by default, in inference mode. */
export async function predict(
  state: State,
  classifier: Classifier,
  set: ImageSet,
  preparation: Preparation,
  indices?: Uint32Array,
): Promise<Predictions> {
  const predictor = await Predictor.create(state, classifier, imageExamples(hostImages(set), preparation));
  try {
    return await predictor.predict(indices);
  } finally {
    predictor.destroy();
  }
}

/** Loss, accuracy and confusions of a classifier on a labelled set. UserError: no labels, or classes that it does not know. */
export async function evaluateClassifier(
  state: State,
  classifier: Classifier,
  set: ImageSet,
  preparation: Preparation,
): Promise<Evaluation> {
  const { classes } = classifier.options;
  const { labels } = set;
  if (!labels) throw new UserError(`${set.name}: has no labels to compare with; give images in one folder per class`);
  const unknown = labels.find((label) => label >= classes);
  if (unknown !== undefined) {
    throw new UserError(
      `${set.name}: has images of class ${unknown}, but the classifier has classes 0 to ${classes - 1}`,
    );
  }
  return evaluate(await predict(state, classifier, set, preparation), labels);
}
