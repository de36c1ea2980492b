/** What an experiment is: its settings, how they are given, and `experiment.json`, which keeps them. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { DeviceTraits } from '../gpu/device.ts';
import { settingsTable } from '../io/checked.ts';
import { readChecked } from '../io/json_files.ts';
import { shapeSettings } from '../nn/encoder_shape.ts';
import { defaultsFor, flagOf, type GivenSettings, parseSettings, type TrainSettings } from '../train/settings.ts';
import { parseSupervisedSettings, type SupervisedSettings } from '../train/supervised_settings.ts';

/** Settings that pre-training and the labelled stages each have for themselves: `epochs` is `--supervised-epochs` there. */
export const ownSupervised = [
  'epochs',
  'batchSize',
  'optimizer',
  'lr',
  'weightDecay',
  'momentum',
  'schedule',
  'warmupEpochs',
  'checkpointEvery',
] as const satisfies readonly (keyof SupervisedSettings & keyof TrainSettings)[];
/** Settings that only the labelled stages have. */
export const onlySupervised = ['supervisedAugment', 'frozenBn'] as const;

export type SupervisedName = (typeof ownSupervised)[number] | (typeof onlySupervised)[number];
export type GivenSupervised = { readonly [name in SupervisedName]?: SupervisedSettings[name] };

/** `epochs` → `supervisedEpochs`; `frozenBn` stays. */
export const supervisedKey = (name: SupervisedName): string =>
  (onlySupervised as readonly string[]).includes(name) ? name : `supervised${name[0].toUpperCase()}${name.slice(1)}`;

/**
 * What a user said; the rest is taken from defaults, or from the experiment that is continued. `seed` and `precision` are among the
 * settings of pre-training and count for all stages, also where there is a checkpoint in place of pre-training.
 */
export interface GivenExperiment {
  readonly data?: string;
  readonly exclude?: readonly string[] | undefined;
  /** Take this encoder instead of pre-training one. */
  readonly checkpoint?: string;
  readonly seeds?: readonly number[];
  readonly folds?: readonly number[];
  readonly pretrain: GivenSettings;
  readonly supervised: GivenSupervised;
}

/** What `experiment.json` holds. */
export interface ExperimentConfig {
  readonly version: 1;
  readonly data: string;
  readonly checkpoint: string | null;
  readonly seeds: readonly number[];
  /** Folds of STL-10's protocol, from 0; null: the whole training split. */
  readonly folds: readonly number[] | null;
  /** With the first seed; so the supervised ones. */
  readonly pretrain: TrainSettings;
  readonly supervised: SupervisedSettings;
  /** Numbers of images. */
  readonly images: { readonly pretrain: number; readonly train: number; readonly test: number };
  /** Globs of photos and folders that are left out. */
  readonly exclude?: readonly string[] | undefined;
  /** Digest of the list in `images.jsonl`; experiments of older versions have none. */
  readonly imagesDigest?: string | undefined;
  readonly adapter: string;
  readonly started: string;
}

const count = z.number().int().min(0);

/** `experiment.json`; both tables of settings have a check of their own. */
const configSchema = z.object({
  version: z.literal(1),
  data: z.string(),
  checkpoint: z.string().nullable(),
  seeds: z.array(count).min(1),
  folds: z.array(count.max(9)).min(1).nullable(),
  pretrain: settingsTable(),
  supervised: settingsTable(),
  images: z.object({ pretrain: count, train: count, test: count }),
  exclude: z.array(z.string()).readonly().optional(),
  imagesDigest: z.string().optional(),
  adapter: z.string(),
  started: z.string(),
});

export type ExperimentPlan = Omit<
  ExperimentConfig,
  'version' | 'data' | 'images' | 'exclude' | 'imagesDigest' | 'adapter' | 'started'
>;

/** Sizes of the labelled stages with which the whole experiment ends within minutes on a software rasteriser. */
export const softwareSupervised = { epochs: 12, batchSize: 32 } as const;
/** With few epochs, every one of them is a stage that the report shows. */
const softwareDrawing = { figureEvery: 1 } as const;

/** What was given of pre-training, with the sizes that a software adapter needs for the rest. */
export const pretrainDefaults = (given: GivenSettings, traits: Pick<DeviceTraits, 'software'>): GivenSettings => ({
  ...(traits.software && softwareDrawing),
  ...defaultsFor(given, traits),
});

/**
 * All settings of a new experiment. With a checkpoint, how images are prepared and the architecture are the checkpoint's.
 * @param checkpoint settings of the checkpoint that `given` names
 * @param parse checks what was given of pre-training; `parseValues` where the device is not known yet
 */
export function planExperiment(
  given: GivenExperiment,
  traits: Pick<DeviceTraits, 'software'>,
  checkpoint?: TrainSettings,
  parse: (given: GivenSettings) => TrainSettings = parseSettings,
): ExperimentPlan {
  const seeds = given.seeds ?? [given.pretrain.seed ?? checkpoint?.seed ?? 1];
  const own = checkpoint ?? parse(pretrainDefaults(given.pretrain, traits));
  const pretrain = checkpoint ?? { ...own, seed: seeds[0] };
  return {
    checkpoint: given.checkpoint ?? null,
    seeds,
    folds: given.folds ?? null,
    pretrain,
    supervised: { ...supervisedFrom(pretrain, given, traits), seed: seeds[0] },
  };
}

function supervisedFrom(
  pretrain: TrainSettings,
  given: GivenExperiment,
  { software }: Pick<DeviceTraits, 'software'>,
): SupervisedSettings {
  const { imageSize, normalize, images } = pretrain;
  const { cropMin, cropMax, flip, jitter, jitterStrength, jitterSaturation, jitterHue } = pretrain;
  const { grayscale, blur, solarize } = pretrain;
  return parseSupervisedSettings(
    {
      ...{ imageSize, normalize, ...shapeSettings(pretrain), images },
      ...{ cropMin, cropMax, flip, jitter, jitterStrength, jitterSaturation, jitterHue, grayscale, blur, solarize },
      ...(software && softwareSupervised),
      ...given.supervised,
      precision: given.pretrain.precision,
    },
    undefined,
    (name) => flagOf(supervisedKey(name as SupervisedName)),
  );
}

/** UserError (usage): settings that contradict each other. */
export function checkGiven({ checkpoint, seeds, pretrain }: GivenExperiment): void {
  const useless = Object.keys(pretrain).filter((name) => name !== 'seed' && name !== 'precision');
  if (checkpoint !== undefined && useless.length > 0) {
    throw new UserError(
      `--checkpoint takes an encoder as it is, with its own settings; omit ${useless.map(flagOf).join(', ')}`,
      2,
    );
  }
  if (seeds !== undefined && pretrain.seed !== undefined) {
    throw new UserError('--seeds and --seed cannot be combined; omit --seed', 2);
  }
  if (seeds !== undefined && new Set(seeds).size < seeds.length) {
    throw new UserError(`--seeds ${seeds}: a seed is listed twice`, 2);
  }
}

/** What keeps the settings in an experiment's folder. */
export const experimentFile = 'experiment.json';

/** The experiment in a folder, if there is one. UserError: its file is damaged, or something else is in the folder. */
export function readExperiment(out: string): ExperimentConfig | undefined {
  const file = join(out, experimentFile);
  if (!existsSync(file)) return undefined;
  const remedy = 'restore the file or choose another --out';
  const config = readChecked(configSchema, file, remedy);
  const within = (table: string) => (name: string) => `${table}.${name}`;
  const pretrain = parseSettings(config.pretrain, file, within('pretrain'), remedy);
  const supervised = parseSupervisedSettings(config.supervised, file, within('supervised'), remedy);
  return { ...config, pretrain, supervised };
}

/** UserError (usage): the user asks for something else than the experiment that is in the folder. */
export function checkContinues(out: string, given: GivenExperiment, config: ExperimentConfig): void {
  const differences: string[] = [];
  const compare = (flag: string, wanted: unknown, found: unknown) => {
    if (wanted !== undefined && String(wanted) !== String(found)) differences.push(`${flag} ${found ?? 'not given'}`);
  };
  compare('--exclude', given.exclude, config.exclude);
  compare('--checkpoint', given.checkpoint, config.checkpoint);
  compare('--seeds', given.seeds, config.seeds);
  compare('--folds', given.folds, config.folds);
  const { precision } = config.checkpoint === null ? config.pretrain : config.supervised;
  const found: Readonly<Record<string, unknown>> = { ...config.pretrain, seed: config.seeds, precision };
  for (const [name, value] of Object.entries(given.pretrain)) compare(flagOf(name), value, found[name]);
  for (const name of Object.keys(given.supervised) as SupervisedName[]) {
    compare(flagOf(supervisedKey(name)), given.supervised[name], config.supervised[name]);
  }
  if (differences.length > 0) {
    throw new UserError(
      `${out}: holds an experiment with ${differences.join(', ')}; continue it with the same settings, or choose another --out`,
      2,
    );
  }
}
