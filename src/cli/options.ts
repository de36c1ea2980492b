import { type Command, Option } from 'commander';
import { flagOf, settingNames, type TrainSettings, trainSettings } from '../train/settings.ts';

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

/** Adds a flag for a setting. Its value is checked by the table of settings, not here. */
export function addSetting(command: Command, schema: Setting, flag: string): void {
  const { type, choices, fallback, text } = describe(schema);
  const shown = `${text} (default: ${fallback})`;
  if (type === 'boolean') {
    command.addOption(new Option(flag, shown));
    return;
  }
  const option = new Option(`${flag} <${choices ? 'name' : 'number'}>`, shown);
  if (choices) command.addOption(option.choices(choices).argParser((text) => text));
  else command.addOption(option.argParser(numberOrText));
}

/** Adds `--exclude`. */
export const addExclude = (command: Command): Command =>
  command.option(
    '--exclude <glob>',
    'ignore photos and folders whose path in the data folder matches; repeatable',
    (glob: string, before: readonly string[] = []) => [...before, glob],
  );

/** Adds a flag for every training setting. Values are undefined where none was given; help shows the defaults. */
export function addTrainSettings(command: Command): void {
  for (const name of settingNames) addSetting(command, trainSettings.shape[name], flagOf(name));
}

/** The settings among a command's options that the user gave. */
export function givenSettings(options: Readonly<Record<string, unknown>>): Partial<TrainSettings> {
  return Object.fromEntries(
    settingNames.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  );
}
