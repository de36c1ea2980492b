/** The rows of a comparison: methods, values of settings that are swept, parts of the augmentation that are left out. */
import type { DatasetOptions } from '../data/dataset.ts';
import { kindOf } from '../data/samples.ts';
import { UserError } from '../errors.ts';
import type { Naming } from '../io/checked.ts';
import { methodNamed } from '../methods/index.ts';
import type { Method } from '../ssl/method.ts';
import { augmentationSettings, settingGroups, sharedSettings } from '../ssl/settings.ts';
import { wantsCaptions } from '../train/learner.ts';
import { policyGiven } from '../train/policy_file.ts';
import { type Circumstances, isShort, shortRecipe, withRecipe } from '../train/recipe.ts';
import {
  flagOf,
  type GivenSettings,
  methodOf,
  parseOf,
  parseSettings,
  settingsOf,
  type TrainSettings,
} from '../train/settings.ts';
import { kebab, readValue } from './values.ts';

/** `byol.lr=0.06` */
export interface GivenSetting {
  readonly method: string;
  readonly name: string;
  readonly text: string;
}

/** `temperature=0.05,0.1` */
export interface GivenSweep {
  readonly name: string;
  readonly texts: readonly string[];
}

export interface GivenVariants {
  readonly methods: readonly string[];
  /** Settings of all rows, by flags. */
  readonly shared: GivenSettings;
  readonly sets: readonly GivenSetting[];
  readonly sweeps: readonly GivenSweep[];
  /** Parts of the augmentation: a row without each of them, beside one with all. */
  readonly leaveOut: readonly string[];
}

/** A row of the table: what is trained, once for each seed. */
export interface Row {
  /** For people: `simclr, temperature 0.05`. */
  readonly label: string;
  /** Name of its folder. */
  readonly name: string;
  /** With the first seed. Its length is not known yet where the budget is minutes. */
  readonly settings: TrainSettings;
}

/** What makes a row differ from its method as it is. */
interface Change {
  readonly label: string;
  readonly name: string;
  readonly values: GivenSettings;
}

/** The budget and the seeds have flags of their own. */
const fixed: Readonly<Record<string, string>> = {
  epochs: 'the budget is the same for all rows; give --epochs',
  steps: 'the budget is the same for all rows; give --steps',
  seed: 'seeds are the same for all rows; give --seeds',
};
/** Images are read and stored once, for all rows; views of them may be smaller in some. */
const ofImages = ['imageSize', 'split', 'images'] as const;
/** The same for all methods, whatever their recipes say: what is compared is how an encoder is trained, on these images. */
const common: readonly string[] = [
  ...ofImages,
  ...['normalize', 'precision'],
  ...Object.keys(settingGroups.Encoder),
  ...Object.keys(settingGroups['Evaluation and files']),
];

/**
 * What a method's recipe may name in their place: no other values will do for some, such as an encoder that sees the lightness alone, or
 * serve them as well, such as images of which a tile is large enough.
 */
const needs = ['architecture', 'input', 'normalize', 'imageSize'] as const;

/** UserError (usage): a setting of all rows is given for one, or one that no row may have for itself. */
function checkOwn(option: string, name: string, { swept }: { swept: boolean }): void {
  const why = fixed[name];
  if (why !== undefined) throw new UserError(`${option}: ${why}`, 2);
  if (swept && (ofImages as readonly string[]).includes(name))
    throw new UserError(`${option}: images are read once, for all rows; give ${flagOf(name)}`, 2);
  if (!swept && name !== 'imageSize' && common.includes(name))
    throw new UserError(`${option}: is the same for all methods; give ${flagOf(name)}`, 2);
}

type Parse = (given: unknown, source: undefined, name: Naming) => TrainSettings;

/** Checks each value, before it is known which defaults the device asks for: what contradicts those is not told yet. */
export const parseEach: Parse = (given, source, name) => parseOf(methodOf(given), given, source, name);

/**
 * All rows, in the order of the methods.
 * @param parse checks the settings of a row; `parseEach` where the device is not known yet
 * @throws UserError (usage) names that do not exist, values that are wrong, rows that are the same
 */
export function variants(
  given: GivenVariants,
  where: Circumstances,
  seed: number,
  parse: Parse = parseSettings,
): Row[] {
  const methods = given.methods.map(methodNamed);
  checkNames(given, methods);
  const equal = equalSettings(methods, given.shared, where);
  return methods.flatMap((method) => {
    const all = { ...equal, ...needsOf(method, where), ...given.shared, seed };
    const own = Object.fromEntries(
      given.sets
        .filter((set) => set.method === method.name)
        .map(({ name, text }) => [name, readFor(method, name, text)]),
    );
    const base = { ...withRecipe({ method: method.name, ...all, ...own }, where) };
    const plain = parse(base, undefined, naming(given, method));
    return changesOf(given, method, plain).map(({ label, name, values }): Row => {
      const settings = parse({ ...base, ...values }, undefined, naming(given, method));
      return { label: `${method.name}${label}`, name: `${method.name}${name}`, settings };
    });
  });
}

/** Values of what all rows have in common and nobody gave: the table's, or those of a run of minutes. */
function equalSettings(methods: readonly Method[], shared: GivenSettings, where: Circumstances): GivenSettings {
  const table: GivenSettings = { ...sharedSettings.parse({}), ...(isShort(where) && shortRecipe) };
  const labelled = methods.some(({ needsLabels }) => needsLabels);
  const values = common.map((name) => [name, shared[name as keyof GivenSettings] ?? table[name]] as const);
  return { ...Object.fromEntries(values), ...(labelled && shared.split === undefined && { split: 'train' }) };
}

/** Those of `needs` that a method has values of its own for. */
function needsOf({ recipe, short }: Method, where: Circumstances): GivenSettings {
  const own = { ...recipe, ...(isShort(where) && short) };
  return Object.fromEntries(needs.filter((name) => name in own).map((name) => [name, own[name as keyof typeof own]]));
}

/**
 * The size at which images are stored: the largest that a row asks for, of which the others take smaller views; with captions where a
 * row needs them.
 */
export function storedAs(
  rows: readonly Row[],
): Pick<TrainSettings, 'split' | 'imageSize'> & Pick<DatasetOptions, 'captions'> {
  const { split } = rows[0].settings;
  const captioned = rows.some(({ settings }) => wantsCaptions(settings));
  const imageSize = Math.max(...rows.map(({ settings }) => settings.imageSize));
  return { split, imageSize, ...(captioned && { captions: true as const }) };
}

/** How an error calls a setting of a row: by what gave it. */
function naming({ sets, sweeps }: GivenVariants, method: Method): Naming {
  return (name) => {
    if (sweeps.some((sweep) => sweep.name === name)) return `--sweep ${kebab(name)}`;
    if (sets.some((set) => set.method === method.name && set.name === name))
      return `--set ${method.name}.${kebab(name)}`;
    return flagOf(name);
  };
}

function checkNames(
  { methods: names, sets, sweeps, leaveOut, shared }: GivenVariants,
  methods: readonly Method[],
): void {
  const twice = (values: readonly string[]) => values.find((value, i) => values.indexOf(value) < i);
  const refuse = (option: string, what: string | undefined) => {
    if (what !== undefined) throw new UserError(`${option}: '${what}' is listed twice`, 2);
  };
  refuse(`--methods ${names}`, twice(names));
  const other = methods.find((method) => kindOf(method) !== 'images');
  if (other)
    throw new UserError(
      `--methods ${names}: ${other.name} learns from ${kindOf(other)}, and only methods that learn from images are compared`,
      2,
    );
  refuse(`--leave-out ${leaveOut.map(kebab)}`, twice(leaveOut.map(kebab)));
  refuse('--sweep', twice(sweeps.map(({ name }) => kebab(name))));
  refuse('--set', twice(sets.map(({ method, name }) => `${method}.${kebab(name)}`)));
  for (const { method, name } of sets) {
    const option = `--set ${method}.${kebab(name)}`;
    if (!names.includes(method)) throw new UserError(`${option}: '${method}' is none of --methods ${names}`, 2);
    checkOwn(option, name, { swept: false });
    checkKnown(option, name, methodNamed(method));
  }
  for (const { name, texts } of sweeps) {
    const option = `--sweep ${kebab(name)}`;
    refuse(`${option}=${texts}`, twice(texts));
    checkOwn(option, name, { swept: true });
    for (const method of methods) checkKnown(option, name, method);
    const set = sets.find((other) => other.name === name);
    const other = set ? `--set ${set.method}.${kebab(name)}` : shared[name] !== undefined ? flagOf(name) : undefined;
    if (other !== undefined) throw new UserError(`${option} cannot be combined with ${other}; omit one of them`, 2);
  }
}

/** UserError (usage): the method has no setting of that name. */
function checkKnown(option: string, name: string, method: Method): void {
  if (name !== 'method' && name in settingsOf(method).shape) return;
  throw new UserError(
    `${option}: method ${method.name} has no setting '${kebab(name)}'; simclr train --method ${method.name} --help lists them`,
    2,
  );
}

const readFor = (method: Method, name: string, text: string): unknown => {
  const value = readValue(settingsOf(method).shape[name], text);
  return name === 'policy' ? policyGiven(value) : value;
};

/** Every combination of the values that are swept, each with everything and without each part that is left out. */
function changesOf({ sweeps, leaveOut }: GivenVariants, method: Method, plain: TrainSettings): Change[] {
  const none: Change = { label: '', name: '', values: {} };
  const joined = (a: Change, b: Change): Change => ({
    ...{ label: a.label + b.label, name: a.name + b.name },
    values: { ...a.values, ...b.values },
  });
  const all = sweeps.reduce(
    (changes, { name, texts }) =>
      changes.flatMap((change) => texts.map((text) => joined(change, sweptTo(method, name, text)))),
    [none],
  );
  const parts = [none, ...leaveOut.map((part) => without(part, method, plain))];
  return all.flatMap((change) => parts.map((part) => joined(change, part)));
}

const sweptTo = (method: Method, name: string, text: string): Change => ({
  label: `, ${kebab(name)} ${text}`,
  name: `-${kebab(name)}-${text.replace(/[^\w.-]+/g, '-')}`,
  values: { [name]: readFor(method, name, text) },
});

/** A row without a part of the augmentation: of every setting with that name, such as `blur` and BYOL's `secondBlur`. */
function without(part: string, method: Method, plain: TrainSettings): Change {
  const values = part === 'crop' ? { cropMin: 1, cropMax: 1 } : switchedOff(part, method);
  const option = `--leave-out ${kebab(part)}`;
  const names = Object.keys(values);
  if (names.length === 0) {
    const known = ['crop', ...augmentationSettings.filter((name) => name in switchedOff(name, method)).map(kebab)];
    throw new UserError(`${option}: is no part of the augmentation; there are ${known.join(', ')}`, 2);
  }
  if (names.every((name) => (plain as GivenSettings)[name] === values[name])) {
    const flags = names.map((name) => flagOf(name)).join(', ');
    throw new UserError(`${option}: method ${method.name} is without it already here; turn it on with ${flags}`, 2);
  }
  return { label: ` without ${kebab(part)}`, name: `-without-${kebab(part)}`, values };
}

/** Settings of a method that are a part of the augmentation, off: a probability or strength of 0, false, or `none`. */
function switchedOff(part: string, method: Method): Record<string, unknown> {
  const ending = `${part[0].toUpperCase()}${part.slice(1)}`;
  const names = Object.keys(settingsOf(method).shape).filter((name) => name === part || name.endsWith(ending));
  if (!(augmentationSettings as readonly string[]).includes(part)) return {};
  return Object.fromEntries(
    names.flatMap((name) => {
      const schema = settingsOf(method).shape[name];
      const off = [0, false, 'none'].find((value) => schema.safeParse(value).success);
      return off === undefined ? [] : [[name, off]];
    }),
  );
}
