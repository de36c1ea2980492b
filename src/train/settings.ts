/** The settings of a run: one table for each method, of the shared ones and its own. */
import { z } from 'zod';
import { kindOf } from '../data/samples.ts';
import { UserError } from '../errors.ts';
import type { DeviceTraits } from '../gpu/device.ts';
import { checked, type Naming, wrongValue } from '../io/checked.ts';
import { printable } from '../io/printable.ts';
import { allMethods, firstMethod, methodIfKnown } from '../methods/index.ts';
import { isVit, patchOf } from '../nn/encoder_shape.ts';
import type { Method, Settings } from '../ssl/method.ts';
import { checkMicroBatch } from '../ssl/micro_batch.ts';
import { presetOf, type SettingName, type SharedSettings, settingGroups, sharedShape } from '../ssl/settings.ts';

/** Settings of a run. Those that only its method has are there too: `ownSettings` has them. */
export type TrainSettings = SharedSettings & { readonly method: string };

/** What a user gives of them, own settings of the method among it. */
export type GivenSettings = Partial<TrainSettings> & Readonly<Record<string, unknown>>;

/** A setting as a table has it: a schema with a default and a description. */
export type SettingSchema = z.ZodDefault;

type Table = z.ZodObject<Record<string, SettingSchema>>;
const tables = new WeakMap<Method, Table>();

/**
 * Every setting of a run of a method, with its default and its explanation: the command line, its help and the check of `config.json`
 * all come from this table. Defaults of shared settings are the method's where its recipe has one.
 */
export function settingsOf(method: Method): Table {
  let table = tables.get(method);
  if (!table) {
    const taken = Object.keys(method.options).find((name) => name in sharedShape || name === 'method');
    if (taken) throw new Error(`method ${method.name}: its setting '${taken}' is one of the shared settings`);
    const without = Object.entries(method.options).find(
      ([, schema]) => (schema as { def?: { type?: string } }).def?.type !== 'default',
    );
    if (without) throw new Error(`method ${method.name}: its setting '${without[0]}' needs a .default(…)`);
    const shared = Object.entries(sharedShape).map(([name, schema]) => [
      name,
      withDefault(schema, recipeOf(method, name)),
    ]);
    const own = method.options as Record<string, SettingSchema>;
    table = z.strictObject({
      method: nameOf(method),
      ...Object.fromEntries(shared),
      ...own,
    });
    tables.set(method, table);
  }
  return table;
}

/** The name of a method; for another of its names too. */
const nameOf = ({ name, aliases = [] }: Method): SettingSchema =>
  z
    .literal([name, ...aliases])
    .transform(() => name)
    .default(name);

const recipeOf = ({ recipe }: Method, name: string): unknown => recipe[name as SettingName];

/** The schema with another default; the same where there is none. */
function withDefault(schema: SettingSchema, value: unknown): SettingSchema {
  if (value === undefined) return schema;
  const other = (schema.unwrap() as z.ZodType).default(value) as SettingSchema;
  return schema.description === undefined ? other : other.describe(schema.description);
}

export const sharedNames = Object.keys(sharedShape) as readonly SettingName[];
/** Names of a method's own settings. */
export const ownNames = ({ options }: Method): readonly string[] => Object.keys(options);
/** All names that a run of a method has. */
export const settingNames = (method: Method): readonly string[] => [...sharedNames, ...ownNames(method)];
/** A setting of a run by its name, own settings of its method among them. */
export const settingOf = (settings: TrainSettings, name: string): unknown => (settings as GivenSettings)[name];
/** `batchSize` → `--batch-size`. */
export const flagOf = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** A setting as words of a command line. */
export const wordsOf = (flag: string, value: unknown): string[] =>
  value === true ? [flag] : value === false ? [flag.replace(/^--/, '--no-')] : [flag, String(value)];

/** Names that settings had in files and flags of older versions. */
export const formerNames: Readonly<Record<string, string>> = { features: 'embeddingDim', drawEvery: 'figureEvery' };

/** Settings under the names that they have now. */
export function renamed(given: unknown, table: z.ZodObject): unknown {
  if (typeof given !== 'object' || given === null) return given;
  const entries = Object.entries(given).map(([name, value]) => {
    const now = formerNames[name];
    return [now && !(name in table.shape) && now in table.shape && !(now in given) ? now : name, value] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * Checks settings against a table, with defaults for those that are not there.
 *
 * @param source the file that they are from; undefined for flags
 * @param remedy what can be done about that file
 * @throws UserError one line that names every wrong setting; exit code 2, and 1 for a file
 */
export function parseTable<T extends z.ZodObject>(
  table: T,
  given: unknown,
  source?: string,
  name: Naming = flagOf,
  remedy?: string,
): z.infer<T> {
  const options = { source, name, exitCode: source === undefined ? 2 : 1, ...(remedy && { remedy }) } as const;
  const named = renamed(given, table);
  const preset = 'policy' in table.shape ? presetOf(named) : {};
  const settings = checked(table, isObject(named) ? { ...preset, ...named } : named, options);
  const { cropMin, cropMax } = settings as Pick<SharedSettings, 'cropMin' | 'cropMax'>;
  if (cropMin > cropMax) {
    const both = `${name('cropMin')} (${cropMin}) must not be above ${name('cropMax')} (${cropMax})`;
    throw wrongValue(both, options);
  }
  const fault = 'patch' in table.shape && patchFault(settings as unknown as SharedSettings, name);
  if (fault) throw wrongValue(fault, options);
  return settings;
}

/** What is wrong with the patches of a vision transformer. */
function patchFault({ architecture, imageSize, patch, input }: SharedSettings, name: Naming): string | undefined {
  const side = patch || patchOf(imageSize);
  if (!isVit(architecture)) return undefined;
  if (input === 'patches')
    return `${name('input')} patches: ${architecture} has patches of its own; choose a ResNet or dcgan, or another ${name('input')}`;
  if (imageSize % side === 0 && side < imageSize) return undefined;
  if (patch === 0) return `${name('imageSize')} ${imageSize} has no whole patches; give a multiple of 8`;
  return `${name('patch')} ${patch} must divide ${name('imageSize')} ${imageSize} into two patches or more`;
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const named = z.looseObject({ method: z.string().default(firstMethod.name) });

/** The method that settings name, the first where they name none. UserError: there is no such method, or its name is no text. */
export function methodOf(given: unknown, source?: string, name: Naming = flagOf, remedy?: string): Method {
  const options = { source, name, exitCode: source === undefined ? 2 : 1, ...(remedy && { remedy }) } as const;
  const { method } = checked(named, given, options);
  const known = methodIfKnown(method);
  if (known) return known;
  const there = allMethods().map((other) => other.name);
  throw wrongValue(
    `${name('method')}: no method is named '${printable(method.slice(0, 40))}'; there are ${there.join(', ')}`,
    options,
  );
}

/** What the architecture that is given changes of a method's defaults: those of its recipe, or of a run of minutes. */
export function architectureDefaults(method: Method, given: unknown, of: 'recipe' | 'short'): GivenSettings {
  const { architecture } = (isObject(given) ? given : {}) as GivenSettings;
  return (architecture && isVit(architecture) && method.onTransformer?.[of]) || {};
}

/** Checks what is given of a run of a method, each value alone; see `parseTable`. */
export function parseOf(
  method: Method,
  given: unknown,
  source?: string,
  name?: Naming,
  remedy?: string,
): TrainSettings {
  const all = isObject(given) ? { ...architectureDefaults(method, given, 'recipe'), ...given } : given;
  return parseTable(settingsOf(method), all, source, name, remedy) as unknown as TrainSettings;
}

/** Shared settings that say something of images, their augmentation and their encoders; --width is of any encoder but that of texts. */
const ofImages: readonly string[] = [
  ...['split', 'imageSize', 'images'],
  ...Object.keys({ ...settingGroups.Encoder, ...settingGroups.Augmentation }).filter((name) => name !== 'width'),
];

/** Whether a setting says anything to a method: those of images do not where it learns from something else. */
export const usesSetting = (method: Pick<Method, 'data'>, name: string): boolean =>
  kindOf(method) === 'images' || !(ofImages.includes(name) || (kindOf(method) === 'texts' && name === 'width'));

/**
 * Each value of what a user gave, before it is known which defaults the device asks for: what contradicts those is not told yet.
 * UserError: a wrong value, or one that is of images where the method learns from something else.
 */
export function parseValues(given: unknown): TrainSettings {
  const method = methodOf(given);
  const settings = parseOf(method, given);
  const idle = Object.keys(given as GivenSettings).filter((name) => !usesSetting(method, name));
  if (idle.length === 0) return settings;
  throw new UserError(
    `${idle.map(flagOf).join(', ')}: method ${method.name} learns from ${kindOf(method)}, which have no use for it; omit it`,
    2,
  );
}

/** Checks the settings of a run, alone and together; see `parseTable`. */
export function parseSettings(given: unknown, source?: string, name: Naming = flagOf, remedy?: string): TrainSettings {
  const method = methodOf(given, source, name, remedy);
  const settings = parseOf(method, given, source, name, remedy);
  try {
    checkPieces(method, settings, name);
    const isGiven = (setting: string) => source === undefined && !hasDefault(method, settings, setting);
    method.check?.(settings as unknown as Settings<Record<never, never>>, name, isGiven);
    checkViews(method, settings, name);
  } catch (error) {
    if (source === undefined || !(error instanceof UserError)) throw error;
    throw wrongValue(error.message, { source, ...(remedy && { remedy }) });
  }
  return settings;
}

/** Whether a setting is as it is if nobody gives it: by the table, by the architecture, or in a run of minutes. */
function hasDefault(method: Method, settings: TrainSettings, name: string): boolean {
  const others = [
    (method.short ?? {}) as GivenSettings,
    architectureDefaults(method, settings, 'recipe'),
    architectureDefaults(method, settings, 'short'),
  ].map((defaults) => defaults[name]);
  return [settingsOf(method).shape[name].parse(undefined), ...others].includes(settingOf(settings, name));
}

function checkPieces({ name: method, microBatches }: Method, settings: TrainSettings, name: Naming): void {
  const { microBatch, batchSize } = settings;
  if (!microBatches && microBatch !== 0 && microBatch !== batchSize) {
    throw new UserError(
      `${name('microBatch')}: method ${method} has no micro-batches, as its loss needs more than the embeddings of a batch; omit it`,
      2,
    );
  }
  checkMicroBatch(settings, name);
}

/** UserError: views of a method, such as its small crops or its tiles, are not whole patches of a vision transformer. */
function checkViews(method: Method, settings: TrainSettings, name: Naming): void {
  const { architecture, imageSize } = settings;
  if (!isVit(architecture)) return;
  const patch = settings.patch || patchOf(imageSize);
  for (const { size } of method.views(settings as unknown as Settings<Record<never, never>>)) {
    if (size % patch === 0) continue;
    const views = `method ${method.name} has views of ${size} pixels, which are no whole patches of ${patch}`;
    throw new UserError(`${views}; choose another size of them, or another ${name('patch')}`, 2);
  }
}

/** Sizes with which a run ends within minutes on a software rasteriser on two cores. */
export const softwareSizes = {
  imageSize: 32,
  batchSize: 32,
  steps: 500,
  knnEvery: 1,
  knnImages: 500,
} as const satisfies Partial<TrainSettings>;

/** The sizes that a software adapter needs in place of those that were not given. Who gives epochs gets them all. */
export function defaultsFor(given: GivenSettings, { software }: Pick<DeviceTraits, 'software'>): GivenSettings {
  if (!software) return given;
  return { ...softwareSizes, ...(given.epochs !== undefined && { steps: 0 }), ...given };
}
