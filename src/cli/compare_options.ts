/** The options of `simclr compare`, and what they say. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Budget } from '../compare/config.ts';
import { camel } from '../compare/values.ts';
import type { GivenSetting, GivenSweep, GivenVariants } from '../compare/variants.ts';
import { PHOTO_FORMATS } from '../data/photo_names.ts';
import { kindOf } from '../data/samples.ts';
import { UserError } from '../errors.ts';
import { allMethods, firstMethod, methodIfKnown } from '../methods/index.ts';
import { settingGroups } from '../ssl/settings.ts';
import type { LogKind } from '../train/metrics_logs.ts';
import { policyGiven } from '../train/policy_file.ts';
import { flagOf, type GivenSettings, settingsOf, sharedNames } from '../train/settings.ts';
import { type BudgetOptions, minutesFrom } from './budget.ts';
import { addDeviceOptions, type DeviceOptions } from './device.ts';
import { countFrom, listOf } from './eval_options.ts';
import { addExclude, addLog, addSetting } from './options.ts';

export interface CompareOptions extends DeviceOptions, BudgetOptions, Readonly<Record<string, unknown>> {
  readonly data?: string;
  readonly preset?: 'stl10';
  readonly exclude?: readonly string[];
  readonly out?: string;
  readonly resume?: string;
  readonly methods?: readonly string[];
  readonly epochs?: number;
  readonly steps?: number;
  readonly seeds?: readonly number[];
  readonly set?: readonly GivenSetting[];
  readonly sweep?: readonly GivenSweep[];
  readonly leaveOut?: readonly string[];
  readonly measureImages?: number;
  readonly labels?: number;
  readonly finetuneEpochs?: number;
  readonly mapPoints?: number;
  readonly log?: readonly LogKind[];
}

/** They have flags of their own here. */
const ownFlags = ['epochs', 'steps', 'seed'];

/** Of all rows, with the defaults of the table: a method's recipe may have others. */
const sharedGroups = Object.entries(settingGroups).map(
  ([heading, group]) => [heading, Object.keys(group).filter((name) => !ownFlags.includes(name))] as const,
);

/** Repeatable options: what was given before, and one more. */
const collect =
  <T>(parse: (text: string) => T) =>
  (text: string, before: readonly T[] = []): T[] => [...before, parse(text)];

/** `a,b` → two names. */
const names = (text: string): string[] => {
  const all = text.split(',').map((name) => name.trim());
  if (all.includes('')) throw new InvalidArgumentError('Give names with commas between.');
  return all;
};

/** Methods by the names that rows have, whichever of their names was given. */
function parseMethods(text: string): string[] {
  const wrong = names(text).find((name) => !methodIfKnown(name));
  if (wrong === undefined) return names(text).map(nameOf);
  const known = allMethods().map(({ name }) => name);
  throw new InvalidArgumentError(`No method is named '${wrong}'; there are ${known.join(', ')}.`);
}

const nameOf = (name: string): string => methodIfKnown(name)?.name ?? name;

function parseSet(text: string): GivenSetting {
  const [, method, name, value] = /^([\w-]+)\.([\w-]+)=(.+)$/s.exec(text) ?? [];
  if (value === undefined) throw new InvalidArgumentError('Give a method, its setting and the value: byol.lr=0.06.');
  return { method: nameOf(method), name: camel(name), text: value };
}

function parseSweep(text: string): GivenSweep {
  const [, name, values] = /^([\w-]+)=(.+)$/s.exec(text) ?? [];
  if (values === undefined) throw new InvalidArgumentError('Give a setting and its values: temperature=0.05,0.1,0.5.');
  return { name: camel(name), texts: names(values) };
}

export function addCompareOptions(command: Command): Command {
  command
    .option('--data <folder>', `STL-10’s binary files, or a folder of photos (${PHOTO_FORMATS})`)
    .addOption(
      new Option('--preset <name>', 'stl10: use STL-10 if it is in data/, otherwise a built-in sample set').choices([
        'stl10',
      ]),
    )
    .option('--out <folder>', 'folder of the comparison (default: runs/compare-<date and time>)')
    .option('--resume <folder>', 'continue the comparison in this folder where it was stopped')
    .option(
      '--methods <names>',
      `methods to compare: ${allMethods()
        .filter((method) => kindOf(method) === 'images')
        .map(({ name }) => name)
        .join(',')} (default: ${firstMethod.name})`,
      parseMethods,
    )
    .option('--epochs <number>', 'budget of each training: passes over the images', countFrom(1))
    .option('--steps <number>', 'budget of each training: steps', countFrom(1))
    .option('--minutes <number>', 'budget of each training: minutes on this device, set-up included', minutesFrom)
    .option(
      '--seeds <numbers>',
      'train everything once per seed; mean ± standard deviation (default: 1)',
      listOf(countFrom(0)),
    )
    .option('--set <setting>', 'a setting of one method, such as byol.lr=0.06; repeatable', collect(parseSet))
    .option(
      '--sweep <setting>',
      'a row for each value, such as temperature=0.05,0.1,0.5; repeatable: all combinations',
      collect(parseSweep),
    )
    .option(
      '--leave-out <parts>',
      'beside the whole augmentation a row without each part: crop,flip,jitter,grayscale,blur',
      (text: string) => names(text).map(camel),
    )
    .option(
      '--measure-images <number>',
      'most images of a set to measure encoders with (default: 5000; without a GPU 1000)',
      countFrom(10),
    )
    .option('--labels <number>', 'labels per class for fine-tuning; 0: none (default: 10)', countFrom(0))
    .option('--finetune-epochs <number>', 'epochs of fine-tuning (default: 100; without a GPU 12)', countFrom(1))
    .option('--map-points <number>', 'images of the t-SNE maps; 0: none (default: 500)', countFrom(0));
  addLog(command);
  addExclude(command);
  addDeviceOptions(command);
  const table = settingsOf(firstMethod).shape;
  for (const [heading, group] of sharedGroups)
    for (const name of group) addSetting(command, table[name], flagOf(name), `${heading}, of all rows:`);
  return command.addHelpText(
    'after',
    `
Settings that are not given are each method's own (simclr train --method <name> --help), but for those of encoder, images, precision
and looks at the features, which are the same for all. Examples:
  simclr compare --data photos --methods simclr,byol,moco,simsiam --epochs 20
  simclr compare --data photos --sweep temperature=0.05,0.1,0.5 --seeds 1,2,3 --steps 1000
  simclr compare --data photos --leave-out jitter,grayscale,blur --minutes 10
  simclr compare --resume runs/compare`,
  );
}

/** Settings of all rows among the options. */
export const sharedGiven = (options: CompareOptions): GivenSettings =>
  Object.fromEntries(
    sharedNames
      .filter((name) => !ownFlags.includes(name) && options[name] !== undefined)
      .map((name) => [name, name === 'policy' ? policyGiven(options[name]) : options[name]]),
  );

export const variantsGiven = (options: CompareOptions): GivenVariants => ({
  methods: options.methods ?? [firstMethod.name],
  shared: sharedGiven(options),
  sets: options.set ?? [],
  sweeps: options.sweep ?? [],
  leaveOut: options.leaveOut ?? [],
});

/** UserError (usage): no budget, or two. */
export function budgetGiven(options: CompareOptions): Budget {
  const given = (['epochs', 'steps', 'minutes'] as const).flatMap((kind) => {
    const amount = options[kind];
    return amount === undefined ? [] : [{ kind, amount }];
  });
  if (given.length === 1) return given[0];
  const flags = given.map(({ kind }) => flagOf(kind)).join(' and ');
  throw new UserError(
    given.length === 0
      ? 'give the budget that each training gets: --epochs, --steps or --minutes'
      : `${flags} cannot be combined: each training gets one budget`,
    2,
  );
}

/** Options that a comparison which goes on takes: where its images are now, and the device. */
const whenResumed = ['resume', 'data', 'adapter', 'autotune', 'log'];

/** UserError (usage): an option that only a new comparison takes. */
export function checkResumed(options: CompareOptions): void {
  const idle = Object.keys(options).filter((name) => options[name] !== undefined && !whenResumed.includes(name));
  if (idle.length === 0) return;
  throw new UserError(
    `--resume continues with the settings of ${options.resume}/compare.json; omit ${idle.map((name) => flagOf(name)).join(', ')}`,
    2,
  );
}
