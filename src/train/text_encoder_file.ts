/** Trained encoders of texts in checkpoints. */
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { readSafetensors } from '../io/safetensors.ts';
import { type Encoder, type EncoderOfTexts, takesTexts } from '../nn/encoder.ts';
import { type Checkpoint, loadLearner, readCheckpoint } from './checkpoint.ts';
import { kindInFile } from './data_kind.ts';
import { digestOf } from './digests.ts';
import { learnerOf } from './learner.ts';

/** An encoder of texts before it is on a device. */
export interface TextEncoderFile {
  readonly path: string;
  readonly checkpoint: Checkpoint;
  /** What its network is, for people. */
  readonly description: string;
  /** SHA-256 of its values. */
  readonly digest: string;
}

/** Reads the checkpoint of a run that learns from texts; undefined: it is a file of another kind. UserError: it is damaged. */
export function readTextEncoder(path: string): TextEncoderFile | undefined {
  if (kindInFile(readSafetensors(path).metadata) !== 'texts') return undefined;
  const checkpoint = readCheckpoint(path);
  const { settings, images } = checkpoint;
  const { description = settings.method } = learnerOf(settings, images).encoder;
  return { path, checkpoint, description, digest: digestOf(settings.method, checkpoint.tensors) };
}

/** The same. UserError: its encoder takes no texts. */
export function readEncoderOfTexts(path: string): TextEncoderFile {
  const found = readTextEncoder(path);
  if (found) return found;
  const { metadata } = readSafetensors(path);
  throw new UserError(
    `${path}: its encoder takes ${kindInFile(metadata)}, and one that takes texts is needed here; give a run of a method that learns from texts, such as '--method simcse'`,
  );
}

/** The encoder with its values in `state`. */
export const loadTextEncoder = (state: State, { checkpoint }: TextEncoderFile): EncoderOfTexts =>
  ofTexts(loadLearner(state, checkpoint).encoder, checkpoint);

/** The encoder with its first values, those before the training: what is learnt shows beside it. */
export const untrainedTextEncoder = ({ checkpoint }: TextEncoderFile): EncoderOfTexts =>
  ofTexts(learnerOf(checkpoint.settings, checkpoint.images).encoder, checkpoint);

function ofTexts(encoder: Encoder, { settings }: Checkpoint): EncoderOfTexts {
  if (takesTexts(encoder)) return encoder;
  throw new Error(`method ${settings.method} learns from texts, and its encoder takes none: see textNetwork`);
}
