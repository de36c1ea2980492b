/** `--init`: reads the weights that a run starts from, and says what of them it takes. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ImageSet } from '../data/images.ts';
import { describeEncoder, shapeSettings } from '../nn/encoder_shape.ts';
import { type EncoderTensors, readEncoderTensors } from '../train/encoder_file.ts';
import { fittingHead, type InitialWeights } from '../train/initial_weights.ts';
import { imageFacts } from '../train/learner.ts';
import { normalizeNamed, storedPreparation } from '../train/preparation.ts';
import type { RunConfig } from '../train/run_config.ts';
import { flagOf, type GivenSettings, type TrainSettings } from '../train/settings.ts';
import { checkpointFile } from './common.ts';
import type { Terminal } from './terminal.ts';

/** Reads a run's folder, a checkpoint, an exported encoder or torchvision's ResNet. UserError: it is none of these. */
export const readInit = (path: string, terminal: Terminal): EncoderTensors =>
  readEncoderTensors(checkpointFile(path, terminal));

/** Settings that follow from the weights where they are not given. */
export function settingsOf({ path, metadata, ...file }: EncoderTensors): GivenSettings {
  const { colours } = storedPreparation(metadata, path, flagOf);
  const normalize = colours && normalizeNamed(colours);
  return { ...shapeSettings(file), ...(normalize && { normalize }) };
}

/** What a run with these settings starts from, and what its config keeps of that. */
export function startFrom(
  { path, tensors, fc, ...file }: EncoderTensors,
  settings: TrainSettings,
  images: ImageSet,
  terminal: Terminal,
): { weights: InitialWeights; config: NonNullable<RunConfig['init']> } {
  const head = fittingHead(settings, imageFacts(images), fc);
  const isClassifier = fc.has('fc.weight');
  const rest = head
    ? 'encoder and head'
    : isClassifier
      ? 'encoder; its classifier fc is ignored, the head is new'
      : fc.size > 0
        ? 'encoder; its head has other sizes, so a new one is used'
        : 'encoder; the head is new';
  terminal.line(`init       ${path}: ${describeEncoder(file)} ${rest}`);
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
  return { weights: { path, tensors, head }, config: { file: resolve(path), sha256, head: head !== undefined } };
}
