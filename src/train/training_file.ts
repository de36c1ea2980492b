/** A training in a file, from which it goes on bit for bit: weights, running statistics, moments of optimisers, all that is kept, counters. */
import { z } from 'zod';
import { areMerges } from '../data/tokenizer.ts';
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { checked } from '../io/checked.ts';
import { readSafetensors, writeSafetensors } from '../io/safetensors.ts';
import { indexOfNonFinite, readEntries, type TorchTensor, writeEntries } from '../nn/state_dict.ts';
import type { LossScaling } from '../optim/loss_scaling.ts';
import type { EpochData } from '../ssl/feeds.ts';
import type { ImageFacts } from '../ssl/method.ts';
import type { TracedStep } from '../ssl/step.ts';
import {
  epochDataOf,
  epochPrefix,
  floatTensors,
  presentName,
  stored,
  storedEpoch,
  trainingEntries,
} from './checkpoint_tensors.ts';
import type { LossScaleProgress, LossScales } from './counters.ts';

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
export interface TrainingFile<P> {
  readonly path: string;
  readonly settings: unknown;
  readonly progress: P;
  /** By the names of `trainingEntries`. */
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  readonly images: ImageFacts;
  readonly epochData: EpochData;
}

/** What a checkpoint says beside the values on the device. */
export interface TrainingContent<S, P> {
  readonly settings: S;
  readonly progress: P;
  readonly images: ImageFacts;
  readonly epochData: EpochData;
}

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
  { settings, progress, images, epochData }: TrainingContent<unknown, { readonly step: number }>,
  advice: () => string,
): Promise<void> {
  const values = await readEntries(state, trainingEntries(traced));
  for (const [name, { data }] of values) {
    const at = indexOfNonFinite(data);
    if (at < 0) continue;
    throw new UserError(
      `step ${progress.step}: NaN or infinity appeared, first in ${name}, element ${at}; nothing was saved. ${advice()}`,
    );
  }
  const { tokenCounts: _, ...facts } = images;
  const scales = await readLossScales(state, traced);
  const metadata = {
    format,
    settings: JSON.stringify(settings),
    progress: JSON.stringify({ ...progress, lossScales: scales }),
    images: JSON.stringify(facts),
  };
  writeSafetensors(path, [...stored(values, progress.step), ...storedEpoch(epochData)], metadata);
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

interface Scaled {
  readonly lossScales?: LossScales | undefined;
}

/**
 * Looks whether a checkpoint from the middle of an epoch has what that epoch began with.
 * @throws UserError something of it is missing, or of another size or type
 */
export function checkEpochData({ phases }: TracedStep, { path, images, epochData }: TrainingFile<unknown>): void {
  for (const { name, dtype, columns, whole } of phases.flatMap(({ feeds, batchFeeds }) => [
    ...feeds.ofEpoch,
    ...(batchFeeds?.ofEpoch ?? []),
  ])) {
    const found = epochData[name];
    const count = columns * (whole ? 1 : images.count);
    const wanted = `${count} numbers of ${dtype}`;
    const fits = dtype === 'f32' ? found instanceof Float32Array : found instanceof Uint32Array;
    if (fits && found.length === count) continue;
    throw new UserError(`${path}: tensor '${epochPrefix}${name}' is missing or not ${wanted}; use another checkpoint`);
  }
}

/**
 * Sets weights, statistics, moments, loss scales and all that is kept.
 * @throws UserError of another architecture, damaged, or of a run in f32 where this is one in f16; weights are then as they were
 */
export function restore(state: State, traced: TracedStep, file: TrainingFile<Scaled>): void {
  const { tensors, path, progress } = file;
  const scaled = scalings(traced);
  for (const [name] of scaled) {
    if (progress.lossScales?.[name]) continue;
    throw new UserError(`${path}: has no loss scale, so it was written by an f32 run; resume with --precision f32`);
  }
  writeEntries(state, trainingEntries(traced), tensors, path);
  for (const [name, { scale, counts }] of scaled) {
    const known = progress.lossScales![name];
    state.write(scale, Float32Array.of(known.scale));
    state.write(counts, Uint32Array.from(known.counts));
  }
}

const scalings = ({ groups }: TracedStep): [string, LossScaling][] =>
  groups.flatMap(({ declared, trained: { scaling } }): [string, LossScaling][] =>
    scaling ? [[declared.name, scaling]] : [],
  );

async function readLossScales(state: State, traced: TracedStep): Promise<LossScales | undefined> {
  const scales: Record<string, LossScaleProgress> = {};
  for (const [name, { scale, counts }] of scalings(traced))
    scales[name] = { scale: (await state.read(scale))[0], counts: Array.from(await state.read(counts)) };
  return Object.keys(scales).length > 0 ? scales : undefined;
}
