/** `config.json` of a run: all that is needed to resume it, and to know where it ran and on what. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import type { SampleCount } from '../data/order.ts';
import { UserError } from '../errors.ts';
import { settingsTable } from '../io/checked.ts';
import { readChecked } from '../io/json_files.ts';
import { logKinds } from './metrics_logs.ts';
import { parseSettings, type TrainSettings } from './settings.ts';

const count = () => z.number().int().min(0);

const configSchema = z.object({
  version: z.literal(1),
  /** The folder given with `--data`; `{rank}` in it is the number of a process. */
  data: z.string(),
  /** Globs given with `--exclude`. */
  exclude: z.array(z.string()).readonly().optional(),
  /** The file given with `--captions`. */
  captions: z.string().optional(),
  settings: settingsTable(),
  /** How many images the run trains on. */
  images: z.number().int().min(1),
  /** How many of them each process has, where `data` names a folder for every one. */
  parts: z.array(z.number().int().min(1)).readonly().optional(),
  /** Digest of the list in `images.jsonl`; runs of older versions have none. */
  imagesDigest: z.string().optional(),
  /** The weights that the run started from: a file, its SHA-256, and whether the projection head was in it. */
  init: z.object({ file: z.string(), sha256: z.string(), head: z.boolean() }).optional(),
  /** Former lengths of a run that was extended, oldest first, and the steps it had done then. */
  extended: z.array(z.object({ at: z.string(), step: count(), epochs: count(), steps: count() })).optional(),
  /** Where else the numbers are kept: `--log`. */
  log: z.array(z.enum(logKinds)).readonly().optional(),
  adapter: z.string(),
  started: z.string(),
});

export type RunConfig = Readonly<Omit<z.infer<typeof configSchema>, 'settings'>> & { readonly settings: TrainSettings };

/** What the epochs of a run are made of. */
export const samplesOf = ({ images, parts }: Pick<RunConfig, 'images' | 'parts'>): SampleCount => ({
  count: images,
  parts,
});

/** Reads and checks the config of a run. UserError: there is none, or it is damaged. */
export function readRunConfig(folder: string, file: string): RunConfig {
  if (!existsSync(file))
    throw new UserError(`${folder}: no config.json here, so there is no run to resume; start one with --out ${folder}`);
  const remedy = 'restore the file or start a new run';
  const config = readChecked(configSchema, file, remedy);
  return { ...config, settings: parseSettings(config.settings, file, (name) => name, remedy) };
}
