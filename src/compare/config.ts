/** What a comparison is: its rows, seeds, budget and measures, and `compare.json`, which keeps them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { stepsPerEpoch } from '../data/order.ts';
import { UserError } from '../errors.ts';
import { settingsTable } from '../io/checked.ts';
import { readChecked } from '../io/json_files.ts';
import { withSteps } from '../train/budget.ts';
import { type GivenSettings, parseSettings, type TrainSettings } from '../train/settings.ts';
import type { Row } from './variants.ts';

/** What each training gets: passes over the images, steps, or minutes on this device. */
export interface Budget {
  readonly kind: 'epochs' | 'steps' | 'minutes';
  readonly amount: number;
}

/** How encoders are measured. */
export interface Measuring {
  /** At most so many labelled images to train and to test with, and unlabelled ones where there are no labels; drawn once. */
  readonly images: number;
  /** Labels of each class for fine-tuning; 0: none. */
  readonly labels: number;
  /** Epochs of fine-tuning, and images of a batch. */
  readonly epochs: number;
  readonly batchSize: number;
  /** Images of the maps; 0: none. */
  readonly points: number;
}

export interface ComparisonConfig {
  readonly version: 1;
  readonly data: string;
  readonly exclude?: readonly string[] | undefined;
  /** How many images are trained on. */
  readonly images: number;
  readonly imagesDigest: string;
  readonly seeds: readonly number[];
  readonly budget: Budget;
  readonly rows: readonly Row[];
  readonly measuring: Measuring;
  readonly adapter: string;
  readonly started: string;
}

/** Points that the curve of nearest neighbours has at least, where there are as many epochs. */
const curvePoints = 10;

/**
 * Settings of the length that the budget gives, with the features looked at often enough for a curve unless the user says how often.
 * Where the budget is minutes, a run is sized when it begins.
 */
export function withBudget(
  settings: TrainSettings,
  { kind, amount }: Budget,
  images: number,
  given: Pick<GivenSettings, 'knnEvery'>,
): TrainSettings {
  if (kind === 'minutes') return settings;
  const sized =
    kind === 'epochs'
      ? { ...settings, epochs: amount, steps: 0 }
      : withSteps(settings, amount, stepsPerEpoch(images, settings.batchSize));
  return { ...sized, knnEvery: given.knnEvery ?? Math.max(1, Math.floor(sized.epochs / curvePoints)) };
}

const count = (least = 0) => z.number().int().min(least);

const configSchema = z.object({
  version: z.literal(1),
  data: z.string(),
  exclude: z.array(z.string()).readonly().optional(),
  images: count(1),
  imagesDigest: z.string(),
  seeds: z.array(count()).min(1),
  budget: z.object({ kind: z.enum(['epochs', 'steps', 'minutes']), amount: z.number().gt(0) }),
  rows: z.array(z.object({ label: z.string(), name: z.string().regex(/^[\w.-]+$/), settings: settingsTable() })).min(1),
  measuring: z.object({ images: count(2), labels: count(), epochs: count(1), batchSize: count(2), points: count() }),
  adapter: z.string(),
  started: z.string(),
});

/** What keeps the settings in the comparison's folder. */
export const configFile = 'compare.json';
const fileOf = (out: string): string => join(out, configFile);

/** Whether there is a comparison in the folder. */
export const holdsComparison = (out: string): boolean => existsSync(fileOf(out));

/** The comparison in a folder. UserError: there is none, or its file is damaged. */
export function readComparison(out: string): ComparisonConfig {
  const file = fileOf(out);
  if (!existsSync(file)) {
    throw new UserError(
      `${out}: no ${configFile} here, so there is no comparison to resume; start one with --out ${out}`,
    );
  }
  const remedy = 'restore the file or choose another --out';
  const config = readChecked(configSchema, file, remedy);
  const rows = config.rows.map((row, i) => ({
    ...row,
    settings: parseSettings(row.settings, file, (name) => `rows.${i}.settings.${name}`, remedy),
  }));
  return { ...config, rows };
}
