/** What a classifier says of images. */
import { imageExamples, Predictor } from '../analysis/classifier.ts';
import type { ImageSet } from '../data/images.ts';
import { hostImages } from '../data/source.ts';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { type ClassifierFile, classifierIn } from '../train/classifier_file.ts';

export interface PredictedClasses {
  readonly names: readonly string[];
  /** [count, classes], the softmax of the logits. */
  readonly probabilities: Float32Array;
  /** The most probable class of each. */
  readonly classes: Uint32Array;
  /** Share whose folder has the name of its class; undefined where the folders are no classes that the classifier knows. */
  readonly accuracy: number | undefined;
}

/** Images between two reports of progress. */
const blockImages = 512;

/** Classes of all images of a set. UserError: the classifier's answers are not finite. */
export async function predictClasses(
  state: State,
  file: ClassifierFile,
  set: ImageSet,
  batchSize: number,
  onDone: (done: number) => void,
): Promise<PredictedClasses> {
  const { classes: width } = file.options;
  const examples = imageExamples(hostImages(set), file.preparation);
  const predictor = await Predictor.create(state, classifierIn(state, file), examples, Math.min(batchSize, set.count));
  const probabilities = new Float32Array(set.count * width);
  const classes = new Uint32Array(set.count);
  try {
    for (let start = 0; start < set.count; start += blockImages) {
      const length = Math.min(blockImages, set.count - start);
      const found = await predictor.predict(Uint32Array.from({ length }, (_, i) => start + i));
      classes.set(found.classes, start);
      probabilities.set(softmaxRows(found.logits, width), start * width);
      onDone(start + length);
    }
  } finally {
    predictor.destroy();
  }
  if (!probabilities.every(Number.isFinite))
    throw new UserError(`${file.path}: its answers are not finite numbers; its training diverged: give another one`);
  const names = file.classNames ?? Array.from({ length: width }, (_, i) => String(i));
  return { names, probabilities, classes, accuracy: accuracyOf(set, names, classes) };
}

/** exp(zᵢ) / Σ exp(zⱼ) of each row, in float64. */
function softmaxRows(logits: Float32Array, width: number): Float32Array {
  const rows = new Float32Array(logits.length);
  for (let start = 0; start < logits.length; start += width) {
    const row = logits.subarray(start, start + width);
    const most = Math.max(...row);
    const parts = Array.from(row, (value) => Math.exp(value - most));
    const sum = parts.reduce((total, part) => total + part, 0);
    rows.set(
      parts.map((part) => part / sum),
      start,
    );
  }
  return rows;
}

function accuracyOf(
  { labels, classNames, count }: ImageSet,
  names: readonly string[],
  classes: Uint32Array,
): number | undefined {
  if (!labels || !classNames?.every((name) => names.includes(name))) return undefined;
  const right = classes.filter((predicted, i) => names[predicted] === classNames[labels[i]]);
  return right.length / count;
}
