/** Features of whole sets, whatever they have, by the encoder of a run. */
import { Embedder } from '../analysis/embed.ts';
import { SequenceEmbedder } from '../analysis/embed_sequences.ts';
import { TextEmbedder } from '../analysis/embed_texts.ts';
import { isImageSet } from '../data/images.ts';
import { preparation } from '../data/preparation.ts';
import type { SampleSet } from '../data/samples.ts';
import { isSequenceSet } from '../data/sequences.ts';
import { isTextSet } from '../data/texts.ts';
import type { State } from '../graph/state.ts';
import { type Encoder, takesTexts } from '../nn/encoder.ts';
import { windowOf } from './sequence_settings.ts';
import type { TrainSettings } from './settings.ts';

/** What `Embedder`, `SequenceEmbedder` and `TextEmbedder` have in common. */
export interface SetEmbedder {
  /** Numbers in a row of features. */
  readonly dimensions: number;
  /** Features [count, dimensions] of the samples with these numbers, all by default. */
  embed(set: SampleSet, indices?: Uint32Array, onProgress?: (done: number) => void): Promise<Float32Array>;
  destroy(): void;
}

/** Compiles for sets like `set`. The weights are those of `state`, whatever they are at the time of a run. */
export async function createEmbedder(
  state: State,
  encoder: Encoder,
  set: SampleSet,
  settings: TrainSettings,
  batchSize?: number,
): Promise<SetEmbedder> {
  const size = batchSize !== undefined && { batchSize };
  if (isSequenceSet(set)) return SequenceEmbedder.create(state, encoder, set, { window: windowOf(settings), ...size });
  if (isTextSet(set) && takesTexts(encoder)) return TextEmbedder.create(state, encoder, { ...size });
  if (isImageSet(set)) return Embedder.create(state, encoder, set, { ...preparation(settings), ...size });
  throw new Error(`${set.name}: no features of ${set.data}`);
}
