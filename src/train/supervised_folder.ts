import { existsSync, rmSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { settingsTable } from '../io/checked.ts';
import { ensureWritableDir, writeFileAtomic } from '../io/files.ts';
import { readChecked } from '../io/json_files.ts';
import { checkFinite } from '../nn/state_dict.ts';
import { RunFolder } from './run_folder.ts';
import { otherSetting } from './same_settings.ts';
import { type SupervisedResult, supervisedResult } from './supervised_result.ts';
import { parseSupervisedSettings, type SupervisedSettings, supervisedModes } from './supervised_settings.ts';
import { type CheckpointKind, readTraining, type TrainingFile } from './training_file.ts';

/** What `config.json` holds: what a training must have in common with the one that it continues. */
const configSchema = z.object({
  version: z.literal(1),
  mode: z.enum(supervisedModes),
  settings: settingsTable(),
  classes: z.number().int().min(1),
  /** Digests of the images, and of the encoder that training starts from; null: from the seed. */
  train: z.string(),
  test: z.string(),
  encoder: z.string().nullable(),
  /** Layers of a projection head behind that encoder; undefined: none. */
  headLayers: z.number().int().min(1).optional(),
  /** Of photos without labels; where there is no consistency loss, they are not read. */
  unlabelled: z.string().optional(),
});
type StoredConfig = z.infer<typeof configSchema>;
export type SupervisedConfig = Readonly<Omit<StoredConfig, 'settings'>> & { readonly settings: SupervisedSettings };

/** What is told for a part of the config that differs. */
const parts: Readonly<Record<Exclude<keyof SupervisedConfig, 'version' | 'settings'>, string>> = {
  mode: 'another kind of training',
  classes: 'another number of classes',
  train: 'other training images',
  test: 'other test images',
  headLayers: 'another number of layers of the projection head',
  encoder: 'another encoder to start from',
  unlabelled: 'other photos without labels',
};

type Digests = Pick<SupervisedConfig, 'train' | 'test'>;

/** Settings that may change when a training goes on: its numbers do not depend on them. */
const free: readonly (keyof SupervisedSettings)[] = ['images', 'checkpointEvery'];

export const supervisedCheckpoint: CheckpointKind = {
  format: 'simclr-webgpu supervised 2',
  former: 'simclr-webgpu supervised 1',
  what: 'checkpoint of a supervised training',
  remedy: 'remove it to train from the start',
};

/**
 * The folder of a supervised training: `config.json`, `metrics.jsonl`, `checkpoint.safetensors` while it goes on, and
 * `model.safetensors` and `result.json` when it has ended.
 */
export class SupervisedFolder {
  private readonly run: RunFolder;

  private constructor(
    readonly path: string,
    private readonly config: SupervisedConfig,
  ) {
    this.run = new RunFolder(path);
  }

  /**
   * Opens the folder of a training, which may not be there yet.
   * @param former digests under which an older version knew the same images
   * @throws UserError another training is in it
   */
  static open(path: string, config: SupervisedConfig, former: Digests): SupervisedFolder {
    const folder = new SupervisedFolder(path, config);
    if (!existsSync(folder.configFile)) return folder;
    const found = readChecked(configSchema, folder.configFile, startAgain);
    const difference = differs(found, config, former, folder.configFile);
    if (difference) throw new UserError(`${path}: holds a training with ${difference}; choose another folder`);
    return folder;
  }

  /**
   * Makes the folder where it is not there, and locks it, as `RunFolder.lock` does.
   * @returns what unlocks it
   * @throws UserError it cannot be written, or another process trains in it
   */
  prepare(): () => void {
    ensureWritableDir(this.path);
    const unlock = this.run.lock();
    if (!existsSync(this.configFile)) writeJson(this.configFile, this.config);
    return unlock;
  }

  private get configFile(): string {
    return this.run.file('config.json');
  }

  get checkpointFile(): string {
    return this.run.file('checkpoint.safetensors');
  }

  get modelFile(): string {
    return classifierFile(this.path);
  }

  /** The checkpoint of a training that was stopped; undefined: it has none. UserError: damaged, or trained with other settings. */
  checkpoint<P>(progress: z.ZodType<P>): TrainingFile<P> | undefined {
    const file = this.checkpointFile;
    if (!existsSync(file)) return undefined;
    const read = readTraining(file, supervisedCheckpoint, progress);
    const before = parseSupervisedSettings(read.settings, file, (name) => name);
    const { settings } = this.config;
    const other = otherSupervised(before, settings);
    if (other) throw otherSetting(this.configFile, other, settings[other], file, before[other]);
    return read;
  }

  /** There is a checkpoint, it can be read, and its values are finite. */
  hasGoodCheckpoint(progress: z.ZodType): boolean {
    try {
      const { tensors } = this.checkpoint(progress) ?? {};
      for (const [name, tensor] of tensors ?? []) checkFinite(name, tensor, this.checkpointFile);
      return tensors !== undefined;
    } catch (error) {
      if (error instanceof UserError) return false;
      throw error;
    }
  }

  /** The result of a training that has ended. UserError: its file is damaged. */
  result(): SupervisedResult | undefined {
    const file = this.run.file('result.json');
    return existsSync(file) ? readChecked(supervisedResult, file, startAgain) : undefined;
  }

  /** Keeps the result; from here on there is nothing to continue. The model must have been written. */
  finish(result: SupervisedResult): void {
    writeJson(this.run.file('result.json'), result);
    rmSync(this.checkpointFile, { force: true });
  }

  log(record: Parameters<RunFolder['log']>[0]): void {
    this.run.log(record);
  }

  /** As `RunFolder.logTo`. */
  logTo(logs: Parameters<RunFolder['logTo']>[0]): void {
    this.run.logTo(logs);
  }

  /** Drops the lines of steps after `step`: they will be run again. */
  rewindMetrics(step: number): void {
    this.run.rewindMetrics(step);
  }
}

/** Where a supervised training leaves its classifier. */
export const classifierFile = (folder: string): string => new RunFolder(folder).file('model.safetensors');

function differs(found: StoredConfig, config: SupervisedConfig, former: Digests, file: string): string | undefined {
  // A training of before there was a setting has its default.
  const settings = parseSupervisedSettings(found.settings, file, (name) => `settings.${name}`, startAgain);
  const setting = otherSupervised(settings, config.settings);
  if (setting) return `${setting} ${settings[setting]} in place of ${config.settings[setting]}`;
  const part = (Object.keys(parts) as (keyof typeof parts)[]).find(
    (key) => found[key] !== config[key] && !((key === 'train' || key === 'test') && found[key] === former[key]),
  );
  return part && parts[part];
}

/** The first setting that differs and that the numbers of a training depend on. */
function otherSupervised(before: SupervisedSettings, now: SupervisedSettings): keyof SupervisedSettings | undefined {
  const names = Object.keys(now) as (keyof SupervisedSettings)[];
  return names.find((name) => !free.includes(name) && before[name] !== now[name]);
}

const startAgain = 'remove the folder to train from the start';

const writeJson = (file: string, value: object): number => writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);
