/** A training in the host's memory, from which it goes on bit for bit: weights, running statistics, moments of optimisers, all that is kept, counters. */
import { UserError } from '../errors.ts';
import type { State } from '../graph/state.ts';
import { indexOfNonFinite, readEntries, type TorchTensor, writeEntries } from '../nn/state_dict.ts';
import type { LossScaling } from '../optim/loss_scaling.ts';
import type { EpochData } from '../ssl/feeds.ts';
import type { ImageFacts } from '../ssl/method.ts';
import type { TracedStep } from '../ssl/step.ts';
import { epochPrefix, trainingEntries } from './checkpoint_tensors.ts';
import type { LossScaleProgress, LossScales } from './counters.ts';

/** All that a training goes on from. */
export interface TrainingValues<P> {
  /** Where they are, for messages. */
  readonly path: string;
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

/**
 * Reads back what a training needs to continue bit for bit.
 * @param advice what to do about values that are not finite
 * @throws UserError a value is not finite
 */
export async function trainingValues<P extends { readonly step: number }>(
  state: State,
  traced: TracedStep,
  { progress, images, epochData }: Omit<TrainingContent<unknown, P>, 'settings'>,
  advice: () => string,
): Promise<TrainingValues<P & Scaled>> {
  const tensors = await readEntries(state, trainingEntries(traced));
  for (const [name, { data }] of tensors) {
    const at = indexOfNonFinite(data);
    if (at < 0) continue;
    throw new UserError(
      `step ${progress.step}: NaN or infinity appeared, first in ${name}, element ${at}; nothing was saved. ${advice()}`,
    );
  }
  const scaled = { ...progress, lossScales: await readLossScales(state, traced) };
  return { path: `what is kept of step ${progress.step}`, progress: scaled, tensors, images, epochData };
}

interface Scaled {
  readonly lossScales?: LossScales | undefined;
}

/**
 * Looks whether a checkpoint from the middle of an epoch has what that epoch began with.
 * @throws UserError something of it is missing, or of another size or type
 */
export function checkEpochData({ phases }: TracedStep, { path, images, epochData }: TrainingValues<unknown>): void {
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
export function restore(state: State, traced: TracedStep, values: TrainingValues<Scaled>): void {
  const { tensors, path, progress } = values;
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
