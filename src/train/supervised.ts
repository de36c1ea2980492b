import { preparation } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import { type EncoderPart, firstStages } from '../methods/supervised.ts';
import { Classifier } from '../nn/classifier.ts';
import { isInStages, shapeOf } from '../nn/encoder_shape.ts';
import type { HeadShape } from '../nn/headed_encoder.ts';
import { countNumbers } from '../nn/module.ts';
import { checkPrecision } from '../ops/precision.ts';
import { trainedParameters } from '../ssl/step.ts';
import { saveClassifier } from './classifier_file.ts';
import { type LogKind, logsFor } from './metrics_logs.ts';
import { classCount, digestOf, type SupervisedData, sampledDigestOf } from './supervised_data.ts';
import {
  digestOfGiven,
  type EncoderDigest,
  encoderDigest,
  loadEncoder,
  originOf,
  type PretrainedEncoder,
} from './supervised_encoder.ts';
import type { SupervisedEvents } from './supervised_events.ts';
import { SupervisedFolder } from './supervised_folder.ts';
import type { SupervisedResult } from './supervised_result.ts';
import { hasFixedFeatures, type SupervisedMode, type SupervisedSettings } from './supervised_settings.ts';
import { featureSources, imageSources } from './supervised_sources.ts';
import { batchSizeFor, type SupervisedTask, SupervisedTraining } from './supervised_training.ts';

export type { SupervisedEpoch, SupervisedEvents } from './supervised_events.ts';
export { classifierFile } from './supervised_folder.ts';
export type { SupervisedResult } from './supervised_result.ts';
export {
  parseSupervisedSettings,
  type SupervisedMode,
  type SupervisedSettings,
  supervisedModes,
  supervisedSettings,
} from './supervised_settings.ts';

export interface SupervisedOptions {
  /** Where `config.json`, `metrics.jsonl`, the checkpoint, and at the end `model.safetensors` and `result.json` are. */
  readonly folder: string;
  /** What `frozen` and `transfer` start from; `baseline` starts from the seed. */
  readonly encoder?: PretrainedEncoder;
  /** Layers of its projection head that it ends with, their tensors among its own as `head.0.weight`, …; none by default. */
  readonly head?: HeadShape | undefined;
  readonly events?: SupervisedEvents;
  /** In which other forms its numbers are kept. */
  readonly log?: readonly LogKind[] | undefined;
  /** Stops the training: the step under way is finished and saved, and the promise rejected with the signal's reason. */
  readonly signal?: AbortSignal;
  /** False: a frozen encoder runs in every step, even where its features never change. */
  readonly cacheFeatures?: boolean;
}

/**
 * Trains a ResNet classifier on labelled images and tests it after every epoch. A training in `folder` that was stopped goes on,
 * bit for bit; of one that has ended the result is returned.
 *
 * An epoch leaves out the images that fill no batch, others each time. Where there are fewer than `batchSize`, the batch is all
 * of them. A frozen encoder is in inference mode; with `frozenBn: 'batch'` its batch norms take the batch's statistics and their
 * running ones, with which it is tested, follow, as in PyTorch when a model whose weights need no gradient is in training mode.
 *
 * With `freezeStages: n` a transfer leaves the stem and the first n stages as they are, their running statistics too: they are in
 * inference mode, no gradient is computed for them, and the optimiser has nothing of them, so that weight decay does not move them either.
 *
 * `precision: 'f16'` trains as pre-training does: the encoder's activations and the weights that convolutions read are f16, the
 * weights that are trained f32, the loss is scaled in the gradients. A frozen encoder runs in f16 where it runs in every step.
 * Features that are computed once, and tests, are f32.
 *
 * @throws UserError no labels, one class, other classes in the test set, no encoder or one of another architecture, a device
 *   without the precision, another training in the folder, another process that trains in it, NaN
 */
export async function trainSupervised(
  gpu: Gpu,
  data: SupervisedData,
  mode: SupervisedMode,
  settings: SupervisedSettings,
  options: SupervisedOptions,
): Promise<SupervisedResult> {
  const started = performance.now();
  const { encoder, head } = mode === 'baseline' ? {} : options;
  const classes = classCount(data);
  if (mode !== 'baseline' && !encoder) throw new UserError(`${mode}: needs a pre-trained encoder; give a checkpoint`);
  checkConsistency(data, mode, settings);
  checkFreezeStages(mode, settings);
  checkLayerDecay(mode, settings);
  const from = { encoder: encoder ? digestOfGiven(encoder, head) : null, headLayers: head?.widths.length };
  const config = { version: 1, mode, settings, classes, ...from } as const;
  const digests = {
    ...{ train: digestOf(data.train), test: digestOf(data.test) },
    ...(settings.consistency > 0 && { unlabelled: digestOf(data.unlabelled!) }),
  };
  const former = { train: sampledDigestOf(data.train), test: sampledDigestOf(data.test) };
  const folder = SupervisedFolder.open(options.folder, { ...config, ...digests }, former);
  const known = folder.result();
  if (known) return known;
  checkPrecision(settings, gpu.traits);
  const state = new State(gpu);
  let unlock: (() => void) | undefined;
  try {
    const classifier = new Classifier({
      ...shapeOf(settings),
      dropPath: settings.dropPath,
      head,
      seed: settings.seed,
      classes,
    });
    if (encoder) loadEncoder(state, classifier.encoder, originOf(encoder));
    unlock = folder.prepare();
    const { events = {}, log = [] } = options;
    folder.logTo(await logsFor(log, folder.path, settings));
    const fixed = options.cacheFeatures !== false && hasFixedFeatures(mode, settings);
    const before = await digestsOf(state, classifier, mode, settings);
    const sources = fixed
      ? await featureSources(state, classifier, data, settings, events.onFeatures)
      : imageSources(state, data, settings);
    const task = { state, classifier, data, mode, settings, folder, events, ...sources };
    return await train(task, before, encoder, started, options.signal);
  } finally {
    unlock?.();
    state.destroy();
    gpu.trim();
  }
}

/** UserError: the consistency loss has no photos, or nothing that could learn from them. */
function checkConsistency({ train, unlabelled }: SupervisedData, mode: SupervisedMode, settings: SupervisedSettings) {
  if (settings.consistency === 0) return;
  if (mode === 'frozen')
    throw new UserError('frozen: consistency trains the whole encoder; set it to 0, or use transfer', 2);
  if (!unlabelled?.count)
    throw new UserError(`${train.name}: no photos without labels, which consistency needs; give some`);
}

/** UserError: there is nothing to freeze, or all of it is frozen. */
function checkFreezeStages(mode: SupervisedMode, { freezeStages }: SupervisedSettings): void {
  if (freezeStages === 0 || mode === 'transfer') return;
  const why = mode === 'frozen' ? 'the whole encoder is frozen' : 'it starts from no encoder that could stay as it is';
  throw new UserError(`${mode}: ${why}; set freezeStages to 0, or use transfer`, 2);
}

/** UserError: no layer of an encoder learns. */
function checkLayerDecay(mode: SupervisedMode, { layerDecay }: SupervisedSettings): void {
  if (layerDecay === 1 || mode !== 'frozen') return;
  throw new UserError('frozen: the whole encoder is frozen; set layerDecay to 1, or use transfer', 2);
}

/** What training must not change: the whole encoder, its first stages, or nothing. */
const frozenPart = (encoder: EncoderPart, mode: SupervisedMode, { freezeStages }: SupervisedSettings): EncoderPart =>
  mode === 'frozen' ? encoder : firstStages(encoder, freezeStages);

/** Digests of the encoder as it is, and of what training must not change of it. */
async function digestsOf(
  state: State,
  { encoder }: Classifier,
  mode: SupervisedMode,
  settings: SupervisedSettings,
): Promise<{ readonly whole: EncoderDigest; readonly frozen: EncoderDigest }> {
  const frozen = frozenPart(encoder, mode, settings);
  return { whole: await encoderDigest(state, encoder), frozen: await encoderDigest(state, frozen) };
}

async function train(
  task: SupervisedTask,
  before: Awaited<ReturnType<typeof digestsOf>>,
  encoder: PretrainedEncoder | undefined,
  started: number,
  signal: AbortSignal | undefined,
): Promise<SupervisedResult> {
  const { state, classifier, data, mode, settings, folder } = task;
  const training = await SupervisedTraining.create(task, started);
  try {
    const epochs = await training.run(signal);
    const after = await digestsOf(state, classifier, mode, settings);
    checkFrozen(before.frozen, after.frozen, mode === 'frozen' ? settings.frozenBn : 'eval');
    const result: SupervisedResult = {
      mode,
      classes: classifier.options.classes,
      parameters: countNumbers(classifier.parameters),
      trained: countNumbers(trainedParameters(training.training.learner)),
      batchSize: batchSizeFor(data, settings),
      stepsPerEpoch: training.stepsPerEpoch,
      epochs,
      last: epochs[epochs.length - 1],
      best: epochs.reduce((best, epoch) => (epoch.testAccuracy > best.testAccuracy ? epoch : best)),
      encoder: { before: before.whole, after: after.whole },
      wallSeconds: training.wallSeconds,
    };
    const facts = { preparation: preparation(settings), classNames: data.train.classNames };
    await saveClassifier(folder.modelFile, state, classifier, facts, encoderSteps(task, encoder, training.steps));
    folder.finish(result);
    return result;
  } finally {
    training.destroy();
  }
}

/** @throws Error the encoder, or what is frozen of it, changed: a fault of this program */
export function checkFrozen(
  before: EncoderDigest,
  after: EncoderDigest,
  frozenBn: SupervisedSettings['frozenBn'],
): void {
  const changed = (['weights', 'statistics'] as const).find(
    (part) => before[part] !== after[part] && (part === 'weights' || frozenBn === 'eval'),
  );
  if (changed === undefined) return;
  const names = { weights: 'weights', statistics: 'running statistics' };
  throw new Error(
    `frozen: the encoder's ${names[changed]} changed in training (SHA-256 ${before[changed]} before, ${after[changed]} after)`,
  );
}

/** Steps in which running statistics of the encoder were updated, by their name, as far as is known. */
function encoderSteps(
  { mode, settings: { frozenBn, freezeStages } }: SupervisedTask,
  encoder: PretrainedEncoder | undefined,
  steps: number,
): (name: string) => number {
  const pretrained = encoder && 'progress' in encoder ? encoder.progress.step : 0;
  const still = (name: string) => (mode === 'frozen' ? frozenBn === 'eval' : isInStages(name, freezeStages));
  return (name) => pretrained + (still(name) ? 0 : steps);
}
