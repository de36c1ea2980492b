/** A training in a file, from which it goes on bit for bit. */
import { z } from 'zod';
import { areMerges } from '../data/tokenizer.ts';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { checked } from '../io/checked.ts';
import { readSafetensors, writeSafetensors } from '../io/safetensors.ts';
import type { TracedStep } from '../ssl/step.ts';
import { epochDataOf, epochPrefix, floatTensors, presentName, stored, storedEpoch } from './checkpoint_tensors.ts';
import { type TrainingContent, type TrainingValues, trainingValues } from './training_values.ts';

/** What files of before there were several groups call the scale of the only one. */
export function withFormerScale(progress: unknown): unknown {
  if (typeof progress !== 'object' || progress === null || !('lossScale' in progress)) return progress;
  const { lossScale, ...rest } = progress;
  return lossScale === undefined ? rest : { ...rest, lossScales: { main: lossScale } };
}

/** A kind of checkpoint: what its metadata call it, now and formerly, what people call it, and where they find one. */
export interface CheckpointKind {
  readonly format: string;
  /** Names of weights without prefix, one optimiser and one loss scale. */
  readonly former: string;
  readonly what: string;
  readonly remedy: string;
}

/** What is read from a checkpoint. */
export type TrainingFile<P> = TrainingValues<P> & { readonly settings: unknown };

const imagesSchema = z.object({
  count: z.number().int().min(1),
  classes: z.number().int().min(0),
  classNames: z.array(z.string()).readonly().optional(),
  merges: z
    .array(z.number().int())
    .check(({ value, issues }) => {
      const message = 'pairs of bytes and of merges before them';
      if (!areMerges(value)) issues.push({ code: 'invalid_format', format: 'merges', message, input: value.join() });
    })
    .readonly()
    .optional(),
  sequences: z.object({ channels: z.number().int().min(1), sampleRate: z.number().gt(0).optional() }).optional(),
  texts: z.object({ columns: z.literal([1, 2, 3]) }).optional(),
});

/**
 * Writes all that a training needs to continue bit for bit, atomically.
 * @param advice what to do about values that are not finite
 * @throws UserError a value is not finite, or it cannot be written
 */
export async function saveTraining(
  path: string,
  state: State,
  traced: TracedStep,
  { format }: CheckpointKind,
  content: TrainingContent<unknown, { readonly step: number }>,
  advice: () => string,
): Promise<void> {
  const values = await trainingValues(state, traced, content, advice);
  const { settings, images } = content;
  const { tokenCounts: _, ...facts } = images;
  const metadata = {
    format,
    settings: JSON.stringify(settings),
    progress: JSON.stringify(values.progress),
    images: JSON.stringify(facts),
  };
  const { tensors, progress, epochData } = values;
  writeSafetensors(path, [...stored(tensors, progress.step), ...storedEpoch(epochData)], metadata);
}

/** Reads what `saveTraining` wrote, now or formerly; the tensors are not checked yet. UserError: damaged, or of another kind. */
export function readTraining<P>(
  path: string,
  { format, former, what, remedy }: CheckpointKind,
  progressSchema: z.ZodType<P>,
): TrainingFile<P> {
  const { metadata, tensors } = readSafetensors(path);
  const isFormer = metadata['format'] === former;
  if (metadata['format'] !== format && !isFormer) {
    throw new UserError(
      `${path}: not a simclr-webgpu ${what} (its metadata say '${metadata['format'] ?? 'nothing'}'); ${remedy}`,
    );
  }
  let [progress, settings, images]: unknown[] = [];
  try {
    progress = JSON.parse(metadata['progress'] ?? '');
    settings = JSON.parse(metadata['settings'] ?? '');
    images = JSON.parse(metadata['images'] ?? '{"count":1,"classes":0}');
  } catch {
    throw new UserError(`${path}: its metadata are damaged; use another checkpoint`);
  }
  const source = { source: `${path}: damaged metadata`, remedy: 'use another checkpoint' };
  const named = [...tensors].map(([name, tensor]) => [isFormer ? presentName(name) : name, tensor] as const);
  return {
    path,
    settings,
    progress: checked(progressSchema, withFormerScale(progress), source),
    images: checked(imagesSchema, images, source),
    tensors: floatTensors(
      named.filter(([name]) => !name.startsWith(epochPrefix)),
      path,
    ),
    epochData: epochDataOf(named),
  };
}
