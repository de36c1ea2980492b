import { type Command, InvalidArgumentError, Option } from 'commander';
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

function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('It is not a number.');
  return value;
}

/** Adds a flag for a setting. */
export function addSetting(command: Command, schema: Setting, flag: string): void {
  const { type, choices, fallback, text } = describe(schema);
  const shown = `${text} (default: ${fallback})`;
  if (type === 'boolean') {
    command.addOption(new Option(flag, shown));
    return;
  }
  const option = new Option(`${flag} <${choices ? 'name' : 'number'}>`, shown);
  command.addOption(choices ? option.choices(choices) : option.argParser(parseNumber));
}

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
