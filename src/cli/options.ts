import { type Command, InvalidArgumentError, Option } from 'commander';
import { firstMethod, methodIfKnown, methodNamed } from '../methods/index.ts';
import type { Method } from '../ssl/method.ts';
import { settingGroups } from '../ssl/settings.ts';
import { type LogKind, logKinds } from '../train/metrics_logs.ts';
import { policyGiven } from '../train/policy_file.ts';
import {
  flagOf,
  formerNames,
  type GivenSettings,
  ownNames,
  settingNames,
  settingsOf,
  usesSetting,
} from '../train/settings.ts';

/** What commander needs to know of a setting: taken from its schema, so that help and checks cannot disagree. */
interface Description {
  readonly type: string | undefined;
  readonly choices: string[] | undefined;
  readonly fallback: unknown;
  readonly text: string;
}

/** A setting of a table: a schema with a default. */
interface Setting {
  readonly description?: string;
  readonly def: unknown;
  unwrap(): unknown;
}

function describe(schema: Setting): Description {
  const inner = schema.unwrap() as { type: string; options?: string[] };
  return {
    type: inner.type,
    choices: inner.options,
    fallback: (schema.def as { defaultValue: unknown }).defaultValue,
    text: schema.description ?? '',
  };
}

/** The number that a text is, or the text as it is: the table of settings says what is wrong with it, as it does for numbers. */
const numberOrText = (text: string): number | string =>
  text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);

/** Adds a flag for a setting, under a heading of the help. Its value is checked by the table of settings, not here. */
export function addSetting(
  command: Command,
  schema: Setting,
  flag: string,
  heading?: string,
  { hidden = false }: { readonly hidden?: boolean } = {},
): void {
  const { type, choices, fallback, text } = describe(schema);
  const shown = `${text} (default: ${type === 'boolean' ? onOrOff(fallback) : fallback})`;
  const option = new Option(
    type === 'boolean' ? flag : `${flag} <${flag === '--policy' ? 'name or file' : kindOf(type, choices)}>`,
    shown,
  );
  if (heading !== undefined) option.helpGroup(heading);
  option.hideHelp(hidden);
  if (type === 'boolean') {
    // The one that is not the default is shown; both are taken, for a recipe may have the other default.
    const off = new Option(flag.replace(/^--/, '--no-'), `turns off: ${shown}`);
    if (heading !== undefined) off.helpGroup(heading);
    (fallback === true ? option : off).hideHelp();
    if (hidden) off.hideHelp();
    command.addOption(option).addOption(off);
    return;
  }
  if (choices) option.choices(choices).argParser((text) => text);
  else if (type !== 'string') option.argParser(numberOrText);
  command.addOption(option);
}

const onOrOff = (value: unknown): string => (value === true ? 'on' : 'off');

const kindOf = (type: string | undefined, choices: readonly string[] | undefined): string =>
  choices ? 'name' : type === 'string' ? 'list' : 'number';

/** Adds `--exclude`. */
export const addExclude = (command: Command): Command =>
  command.option(
    '--exclude <glob>',
    'ignore photos and folders whose path in the data folder matches; repeatable',
    (glob: string, before: readonly string[] = []) => [...before, glob],
  );

/** Adds `--log`. */
export const addLog = (command: Command): Command =>
  command.addOption(
    new Option(
      '--log <name>',
      `keep the numbers in another form too, in a folder of the run: ${logKinds.join(', ')}`,
    ).argParser((text: string, before: readonly LogKind[] = []) => {
      const kind = logKinds.find((name) => name === text);
      if (kind) return [...new Set([...before, kind])];
      throw new InvalidArgumentError(`Allowed choices are ${logKinds.join(', ')}.`);
    }),
  );

/**
 * The method that a command line names: its settings are among the flags, so it is looked up before they are parsed. The first method
 * where none is named; where there is none of that name, commander tells.
 */
export function namedMethod(argv: readonly string[]): Method {
  const at = argv.findLastIndex((word) => word === '--method' || word.startsWith('--method='));
  const name = argv[at]?.includes('=') ? argv[at].slice('--method='.length) : argv[at + 1];
  return (at >= 0 && methodIfKnown(name ?? '')) || firstMethod;
}

/**
 * Adds `--method`, and a flag for every setting of a run of a method. Values are undefined where none was given; help shows the
 * defaults.
 */
export function addTrainSettings(command: Command, method: Method, methods: readonly Method[]): void {
  const names = methods.map(({ name }) => name);
  const text = `what is learnt from: ${names.join(', ')} (default: ${firstMethod.name}; \`simclr methods\` tells more)`;
  command.addOption(new Option('--method <name>', text).argParser(oneOf(methods)));
  const table = settingsOf(method).shape;
  for (const [heading, group] of Object.entries(settingGroups))
    for (const name of Object.keys(group))
      addSetting(command, table[name], flagOf(name), `${heading}:`, { hidden: !usesSetting(method, name) });
  for (const name of ownNames(method)) addSetting(command, table[name], flagOf(name), `Method ${method.name}:`);
  for (const [former, name] of Object.entries(formerNames))
    if (name in table) command.addOption(formerFlag(former, name));
}

/** Like commander's choices, which it would repeat in the help. Gives the name of a method that was called by another of its names. */
const oneOf = (methods: readonly Method[]) => (text: string) => {
  const { name } = methods.find((method) => method === methodIfKnown(text)) ?? {};
  if (name !== undefined) return name;
  throw new InvalidArgumentError(`Allowed choices are ${methods.map((method) => method.name).join(', ')}.`);
};

/** A flag under the name that it had in older versions. */
const formerFlag = (former: string, name: string): Option =>
  new Option(`${flagOf(former)} <number>`).argParser(numberOrText).conflicts(name).hideHelp();

/** The settings among a command's options that the user gave, under the names that they have now. */
export function givenSettings(options: Readonly<Record<string, unknown>>): GivenSettings {
  const method = typeof options['method'] === 'string' ? methodNamed(options['method']) : firstMethod;
  const now = Object.entries(formerNames).map(([former, name]) => [name, options[name] ?? options[former]] as const);
  const all: Readonly<Record<string, unknown>> = {
    ...options,
    ...Object.fromEntries(now),
    ...(options['policy'] !== undefined && { policy: policyGiven(options['policy']) }),
  };
  return Object.fromEntries(
    ['method', ...settingNames(method)].filter((name) => all[name] !== undefined).map((name) => [name, all[name]]),
  );
}
