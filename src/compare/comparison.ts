/** A comparison from end to end: every row is trained and measured, each a stage that is done once. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../data/dataset.ts';
import { preparation } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import { isPretrained, pretrain } from '../experiment/experiment_pretrain.ts';
import type { Gpu } from '../gpu/device.ts';
import { DeviceLost } from '../gpu/faults.ts';
import { State } from '../graph/state.ts';
import { ensureWritableDir } from '../io/files.ts';
import { isResNet, shapeOf } from '../nn/encoder_shape.ts';
import { fitToBudget, type TimingEvents } from '../train/budget.ts';
import type { TrainEvents } from '../train/events.ts';
import { saveEncoder } from '../train/export.ts';
import { imageFacts, learnerOf } from '../train/learner.ts';
import type { LogKind } from '../train/metrics_logs.ts';
import { readRunConfig } from '../train/run_config.ts';
import type { TrainSettings } from '../train/settings.ts';
import type { ComparisonConfig } from './config.ts';
import {
  knownMeasures,
  type Measured,
  type MeasureEvents,
  type MeasureOptions,
  measure,
  measuredImages,
} from './measure.ts';
import { type Results, type RowResult, type RunResult, readTrained } from './results.ts';
import type { Row } from './variants.ts';

export interface Stage {
  readonly name: 'train' | 'measure';
  readonly label: string;
  readonly seed: number;
  /** Its number, from 1, and how many there are. */
  readonly number: number;
  readonly stages: number;
  /** It was finished before; nothing is done. */
  readonly finished: boolean;
}

/** What a comparison tells while it goes on. */
export interface CompareEvents {
  onStage?(stage: Stage): void;
  /** Another training was measured, and it is not the last: what there is to compare so far. */
  onResults?(results: Results): Promise<void>;
  /** A row cannot be trained; the others go on. */
  onFailed?(label: string, seed: number, message: string): void;
  /** Of a training with these settings. */
  readonly training?: (settings: TrainSettings) => TrainEvents;
  readonly timing?: TimingEvents;
  readonly measuring?: MeasureEvents;
  /** In which other forms its trainings keep their numbers. */
  readonly log?: readonly LogKind[] | undefined;
}

/** An encoder with its first weights, or a row. */
interface Entry {
  readonly label: string;
  readonly name: string;
  readonly settings: TrainSettings;
  readonly untrained: boolean;
  /** The label of the entry of the encoder with its first weights. */
  readonly startsFrom?: string;
}

/** The rows of the table: before those that are trained an untrained encoder of each architecture, and of each way to see an image, among them. */
export function entriesOf(rows: readonly Row[]): Entry[] {
  const kindOf = ({ settings }: Row) => JSON.stringify([shapeOf(settings), settings.normalize, settings.imageSize]);
  const shapes = new Map(rows.map((row) => [kindOf(row), row.settings]));
  const entryOf = (settings: TrainSettings): Entry => {
    const parts = shapes.size > 1 ? partsOf(settings, [...shapes.values()]) : [];
    const label =
      parts.length > 0 ? `untrained encoder (${parts.map(({ label }) => label).join(', ')})` : 'untrained encoder';
    const name = ['untrained', ...parts.map(({ name }) => name)].join('-');
    return { label, name, settings, untrained: true };
  };
  const untrained = new Map([...shapes].map(([kind, settings]) => [kind, entryOf(settings)]));
  const trained = rows.map((row) => ({ ...row, untrained: false, startsFrom: untrained.get(kindOf(row))!.label }));
  return [...untrained.values(), ...trained];
}

/** What tells an encoder from others: its network, and what it sees where that is not what all of them see. */
function partsOf(settings: TrainSettings, all: readonly TrainSettings[]): { label: string; name: string }[] {
  const { architecture, stem, width, norm, input } = shapeOf(settings);
  const { normalize, imageSize } = settings;
  return [
    { label: architecture, name: architecture },
    ...(isResNet(architecture) ? [{ label: stem, name: stem }] : []),
    { label: `width ${width}`, name: `${width}` },
    ...(norm ? [{ label: `${norm} norm`, name: `${norm}-norm` }] : []),
    ...(input ? [{ label: `input ${input}`, name: input }] : []),
    ...(all.some((other) => other.normalize !== normalize)
      ? [{ label: `normalize ${normalize}`, name: `normalize-${normalize}` }]
      : []),
    ...(all.some((other) => other.imageSize !== imageSize)
      ? [{ label: `${imageSize} pixels`, name: `${imageSize}-pixels` }]
      : []),
  ];
}

/** The folder of a seed of a row, within that of the comparison. */
export const folderOf = (name: string, seed: number, { seeds }: Pick<ComparisonConfig, 'seeds'>): string =>
  seeds.length > 1 ? `${name}-seed-${seed}` : name;

/** What every stage needs. */
interface Context {
  readonly gpu: Gpu;
  readonly dataset: Dataset;
  readonly images: Measured;
  readonly config: ComparisonConfig;
  readonly out: string;
  readonly events: CompareEvents;
  readonly signal: AbortSignal | undefined;
  /** Tells that a stage begins; throws the signal's reason if it was aborted. */
  begin(name: Stage['name'], entry: Entry, seed: number, finished: boolean): void;
}

/**
 * Runs what is not done yet in `out`. When `signal` is aborted, the stage under way is saved and the signal's reason is thrown:
 * the next call with the same folder goes on there.
 */
export async function runComparison(
  gpu: Gpu,
  dataset: Dataset,
  config: ComparisonConfig,
  out: string,
  events: CompareEvents = {},
  signal?: AbortSignal,
): Promise<Results> {
  const entries = entriesOf(config.rows);
  const images = measuredImages(dataset, config.data, config.measuring);
  const stages = config.seeds.length * (entries.length + config.rows.length);
  let before = 0;
  let number = 0;
  let worked = false;
  const begin: Context['begin'] = (name, { label }, seed, finished) => {
    signal?.throwIfAborted();
    worked ||= !finished;
    events.onStage?.({ name, label, seed, number: ++number, stages, finished });
  };
  const context: Context = { gpu, dataset, images, config, out, events, signal, begin };
  const found = new Map<Entry, RunResult[]>(entries.map((entry) => [entry, []]));
  let remaining = config.seeds.length * config.rows.length;
  // All rows with one seed come before the next seed: a comparison that is stopped has something to compare.
  for (const seed of config.seeds) {
    for (const entry of entries) {
      found.get(entry)!.push(await runEntry(context, entry, seed));
      // A row that failed has the numbers of its stages all the same.
      number = before += entry.untrained ? 1 : 2;
      if (entry.untrained || --remaining === 0 || !worked) continue;
      worked = false;
      await events.onResults?.({ ...resultsOf(context, found), remaining });
    }
  }
  return resultsOf(context, found);
}

/** The rows of which there is something. */
function resultsOf({ dataset, config, images }: Context, found: ReadonlyMap<Entry, readonly RunResult[]>): Results {
  const rows = [...found].flatMap(([{ label, untrained, startsFrom }, runs]): RowResult[] =>
    runs.length > 0 ? [{ label, untrained, ...(startsFrom !== undefined && { startsFrom }), runs: [...runs] }] : [],
  );
  return { version: 1, description: dataset.description, config, rows, ...factsOf(images) };
}

function factsOf({ labelled, few, images, mapped }: Measured): Pick<Results, 'labelled' | 'images' | 'mapLabels'> {
  const counts = { images: images.count, mapLabels: labelled ? Array.from(mapped.labels!) : [] };
  if (!labelled) return counts;
  const { train, test, classNames, majority, balanced } = labelled;
  return {
    ...counts,
    labelled: { train: train.count, test: test.count, few: few?.count ?? 0, classNames, majority, balanced },
  };
}

async function runEntry(context: Context, entry: Entry, seed: number): Promise<RunResult> {
  const { config, out, events } = context;
  const folder = folderOf(entry.name, seed, config);
  const path = join(out, folder);
  try {
    if (entry.untrained) {
      const checkpoint = await untrainedEncoder(context, { ...entry.settings, seed }, path);
      return { seed, folder, measures: await measureStage(context, entry, seed, checkpoint) };
    }
    const { checkpoint, trained } = await trainStage(context, entry, seed);
    return { seed, folder, trained, measures: await measureStage(context, entry, seed, checkpoint) };
  } catch (error) {
    // A rate that is too high, a batch that does not fit: one row of several, and a result too.
    if (!(error instanceof UserError) || error instanceof DeviceLost) throw error;
    events.onFailed?.(entry.label, seed, error.message);
    return { seed, folder, failed: error.message };
  }
}

async function trainStage(context: Context, entry: Entry, seed: number) {
  const { gpu, dataset, config, out, events, signal, begin } = context;
  const path = join(out, folderOf(entry.name, seed, config));
  begin('train', entry, seed, isPretrained(path));
  gpu.trim();
  gpu.highWater = gpu.bytes; // of this training alone
  const settings = await sized(context, entry, seed);
  const training = events.training?.(settings) ?? {};
  const { checkpoint, wallSeconds = 0 } = await pretrain(
    ...([gpu, dataset, path, config.data, settings, training, signal, events.log] as const),
  );
  return { checkpoint, trained: readTrained(path, settings, imageFacts(dataset.train), wallSeconds) };
}

/** The settings of a run: where minutes are its budget, with the steps that fit into them, measured once for all seeds. */
async function sized(context: Context, { name, settings: given }: Entry, seed: number): Promise<TrainSettings> {
  const { gpu, dataset, config, out, events } = context;
  const settings = { ...given, seed };
  const { kind, amount } = config.budget;
  if (kind !== 'minutes') return settings;
  for (const known of [seed, ...config.seeds]) {
    const folder = join(out, folderOf(name, known, config));
    const file = join(folder, 'config.json');
    if (existsSync(file)) return { ...readRunConfig(folder, file).settings, seed };
  }
  const started = performance.now();
  const secondsLeft = () => 60 * amount - (performance.now() - started) / 1000;
  const fitted = await fitToBudget(gpu, dataset, settings, { ...events.timing, secondsLeft, smaller: [], enough: 0 });
  return fitted.settings;
}

function measureStage(context: Context, entry: Entry, seed: number, checkpoint: string) {
  const { gpu, images, config, out, events, signal, begin } = context;
  const folder = join(out, folderOf(entry.name, seed, config));
  begin('measure', entry, seed, knownMeasures(folder) !== undefined);
  const { precision } = entry.settings;
  const options: MeasureOptions = {
    ...{ checkpoint, folder, seed, precision, signal, log: events.log },
    ...{ measuring: config.measuring, events: events.measuring ?? {} },
  };
  return measure(gpu, images, options);
}

/** The file of an encoder with the weights that trainings with this seed start from. */
async function untrainedEncoder({ gpu, dataset }: Context, settings: TrainSettings, path: string): Promise<string> {
  const file = join(path, 'encoder.safetensors');
  if (existsSync(file)) return file;
  const state = new State(gpu);
  const { encoder } = learnerOf(settings, imageFacts(dataset.train));
  try {
    ensureWritableDir(path);
    await saveEncoder(state, encoder, file, preparation(settings));
    return file;
  } finally {
    state.destroy();
  }
}
