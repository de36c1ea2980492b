/** `--config FILE`: options of a command in a file, before those of the command line, which override them. */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { checked } from '../io/checked.ts';
import { guarded } from '../io/file_errors.ts';
import { checkExtension } from '../io/files.ts';
import { readJson } from '../io/json_files.ts';
import { printable } from '../io/printable.ts';
import { methodIfKnown } from '../methods/index.ts';
import type { Method } from '../ssl/method.ts';
import { methodOf, settingsOf, usesSetting } from '../train/settings.ts';
import { simclr } from './program.ts';

type Values = Readonly<Record<string, unknown>>;

/** The lengths of a run that a length given on the command line takes the place of. */
const otherLengths: Readonly<Record<string, readonly string[]>> = {
  ...{ minutes: ['steps', 'epochs'], epochs: ['steps', 'minutes'], steps: ['minutes'] },
};

/**
 * A command line with the options of its `--config` file put in its place; without that, as it is.
 * @param argv Node, the program, and the words that a user gave
 * @throws UserError the file cannot be read, or says something that the command does not know
 */
export function withConfig(argv: readonly string[]): readonly string[] {
  const found = argv.flatMap((word, at) => (/^--config(=|$)/.test(word) ? [at] : []));
  if (found.length > 1) throw new UserError('--config: given twice; put all into one file', 2);
  const [at] = found;
  if (at === undefined) return argv;
  const [, joined] = argv[at].split(/=(.*)/s);
  const file = joined ?? argv[at + 1];
  if (!file) return argv; // commander says what is missing
  const others = argv.toSpliced(at, joined === undefined ? 2 : 1);
  const values = valuesIn(file);
  const method = methodIfKnown(String(values['method']))?.name;
  const named = others.some((word) => /^--method(=|$)/.test(word));
  const { command, depth } = commandOf(
    simclr(method === undefined || named ? others : [...others, '--method', method]),
    others,
  );
  if (command.commands.length > 0) return argv; // no command, or half of one: commander tells
  const given = new Set(
    others.slice(depth).flatMap((word) => optionOf(command, word.split('=', 1)[0])?.attributeName() ?? []),
  );
  const replaced = [...given].flatMap((name) => otherLengths[name] ?? []);
  const words = Object.entries(values).flatMap(([key, value]) => {
    const option = optionOf(command, `--${key}`) ?? command.options.find((one) => one.attributeName() === key);
    const name = option?.attributeName();
    if (!option || name === undefined || name === 'config') throw unknownKey(file, key, command);
    if (command.name() === 'train')
      checkSetting(
        file,
        key,
        name,
        value,
        methodOf(values, file, (setting) => setting),
      );
    return given.has(name) || replaced.includes(name) ? [] : wordsFor(file, key, value, option, command);
  });
  return [...others.slice(0, depth), ...words, ...others.slice(depth)];
}

/** The command that a line calls, and how many words of the line come before its options. */
function commandOf(program: Command, argv: readonly string[]): { command: Command; depth: number } {
  let command = program;
  let depth = 2;
  for (; depth < argv.length; depth++) {
    const child = command.commands.find((one) => one.name() === argv[depth]);
    if (!child) break;
    command = child;
  }
  return { command, depth };
}

const optionOf = (command: Command, flag: string): Option | undefined =>
  command.options.find(({ long, short }) => long === flag || short === flag);

const unknownKey = (file: string, key: string, command: Command): UserError =>
  new UserError(
    `${file}: '${printable(key.slice(0, 60))}' is not an option of ${command.parent?.parent ? `${command.parent.name()} ` : ''}${command.name()}, whose --help lists them`,
  );

/** What a file says, by names of options. UserError: it cannot be read, or is no list of names and values. */
function valuesIn(file: string): Values {
  checkExtension(file, ['.yaml', '.yml', '.json'], '--config');
  const remedy = 'give names of options and their values';
  const content = extname(file).toLowerCase() === '.json' ? readJson(file, remedy) : readYaml(file, remedy);
  const values = checked(z.record(z.string(), z.unknown()), content ?? {}, { source: file, remedy });
  return isRun(values) ? optionsOfRun(values, file) : values;
}

function readYaml(file: string, remedy: string): unknown {
  const text = guarded('read', file, () => readFileSync(file, 'utf8'));
  try {
    return parse(text, { logLevel: 'error' });
  } catch (error) {
    if (!(error instanceof YAMLParseError || error instanceof ReferenceError)) throw error;
    throw new UserError(`${file}: not valid YAML (${error.message.split(/:?\n/, 1)[0]}); ${remedy}`);
  }
}

/** `config.json` of a run. */
const isRun = ({ version, settings }: Values): boolean =>
  version === 1 && typeof settings === 'object' && settings !== null;

/** The options that start such a run again. What else its file has says how it went, and on which device. */
function optionsOfRun({ settings, data, exclude, captions, init, log }: Values, file: string): Values {
  const method = methodOf(settings, file, (name) => name);
  const used = Object.entries(settings as Values).filter(([name]) => name === 'method' || usesSetting(method, name));
  const given = { data, exclude, captions, log, init: (init as { file?: unknown } | undefined)?.file };
  return {
    ...Object.fromEntries(used),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

/** UserError: the table of settings refuses a value; of one that is no setting it knows nothing. A policy may be a file, which is read later. */
function checkSetting(file: string, key: string, name: string, value: unknown, method: Method): void {
  const schema = settingsOf(method).shape[name];
  if (!schema || value === null || ['method', 'policy'].includes(name)) return;
  checked(z.object({ [key]: schema }), { [key]: value }, { source: file });
}

/** An option as words of a command line. UserError: a value that it cannot have. */
function wordsFor(file: string, key: string, value: unknown, option: Option, command: Command): string[] {
  const fault = (what: string) => new UserError(`${file}: ${key} ${what}`);
  const long = option.long!;
  const takesValue = /[<[]/.test(option.flags);
  if (typeof value === 'boolean') {
    if (takesValue) throw fault(`takes a value, not ${value}`);
    const flag = value ? long.replace(/^--no-/, '--') : long.replace(/^--(no-)?/, '--no-');
    return optionOf(command, flag) ? [flag] : [];
  }
  const items = Array.isArray(value) ? value : [value];
  if (items.some((item) => typeof item !== 'string' && typeof item !== 'number'))
    throw fault(
      value === null ? 'has no value' : 'must be a text, a number, true or false, or a list of texts or numbers',
    );
  if (!takesValue) throw fault('must be true or false');
  const isList = /[^s]s>$/.test(option.flags); // `--k <numbers>`: one word with commas
  const texts = isList ? [items.join(',')] : items.map(String);
  const parsed = texts.reduce<unknown>((before, text) => parsedBy(option, text, before, fault), undefined);
  if (texts.length > 1 && !(Array.isArray(parsed) && parsed.length === texts.length)) throw fault('takes one value');
  return texts.map((text) => `${long}=${text}`);
}

/** What commander will make of a value behind others of the same option. */
function parsedBy(
  { argChoices, parseArg }: Option,
  text: string,
  before: unknown,
  fault: (what: string) => UserError,
): unknown {
  if (argChoices && !parseArg && !argChoices.includes(text)) throw fault(`must be one of ${argChoices.join(', ')}`);
  try {
    return parseArg ? parseArg(text, before as never) : text;
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw fault(`cannot be '${printable(text.slice(0, 60))}': ${error.message}`);
  }
}
