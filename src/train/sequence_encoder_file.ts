/** Trained encoders of sequences in checkpoints. */
import { mostWindows } from '../analysis/embed_sequences.ts';
import type { Dataset } from '../data/dataset.ts';
import { openSequences, type SequenceOptions } from '../data/open_sequences.ts';
import type { SequenceSet } from '../data/sequences.ts';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { counted } from '../io/counted.ts';
import { readSafetensors } from '../io/safetensors.ts';
import type { Encoder } from '../nn/encoder.ts';
import { sequencesOf } from '../ssl/sequences.ts';
import { type Checkpoint, loadLearner, readCheckpoint } from './checkpoint.ts';
import { kindInFile } from './data_kind.ts';
import { digestOf } from './digests.ts';
import { windowOf } from './sequence_settings.ts';

/** An encoder of sequences before it is on a device, and what it is to be given. */
export interface SequenceEncoderFile {
  readonly path: string;
  readonly checkpoint: Checkpoint;
  /** Frames that it sees at a time. */
  readonly window: number;
  readonly channels: number;
  /** Frames in a second of what it was trained on, where that was known. */
  readonly sampleRate: number | undefined;
  /** SHA-256 of its values. */
  readonly digest: string;
}

/** Reads the checkpoint of a run that learns from sequences; undefined: it is a file of another kind. UserError: it is damaged. */
export function readSequenceEncoder(path: string): SequenceEncoderFile | undefined {
  if (kindInFile(readSafetensors(path).metadata) !== 'sequences') return undefined;
  const checkpoint = readCheckpoint(path);
  const { settings, images } = checkpoint;
  const { channels, sampleRate } = sequencesOf(images);
  return {
    path,
    checkpoint,
    window: windowOf(settings),
    channels,
    sampleRate,
    digest: digestOf(settings.method, checkpoint.tensors),
  };
}

/** The encoder with its values in `state`. */
export const loadSequenceEncoder = (state: State, { checkpoint }: SequenceEncoderFile): Encoder =>
  loadLearner(state, checkpoint).encoder;

/** Opens sequences for an encoder. UserError: there are none, or not such as it was trained on. */
export async function openSequencesFor(
  { path, window, channels, sampleRate }: SequenceEncoderFile,
  data: string,
  options: Omit<SequenceOptions, 'window'>,
): Promise<Dataset<SequenceSet>> {
  const dataset = await openSequences(data, { ...options, window });
  const { train } = dataset;
  const described = (of: Pick<SequenceSet, 'channels' | 'sampleRate'>) =>
    `${counted(of.channels, 'channel')}${of.sampleRate === undefined ? '' : ` at ${of.sampleRate} Hz`}`;
  if (train.channels === channels && train.sampleRate === sampleRate) return dataset;
  throw new UserError(
    `${data}: has ${described(train)}, and ${path} was trained on ${described({ channels, sampleRate })}; convert the files`,
  );
}

/** One line for people: what the encoder takes. */
export const describeWindows = ({ window, channels, sampleRate }: SequenceEncoderFile): string =>
  `windows of ${window.toLocaleString('en-US')} frames of ${counted(channels, 'channel')}${sampleRate === undefined ? '' : ` at ${sampleRate.toLocaleString('en-US')} Hz`}, features the mean over up to ${mostWindows} of them`;
