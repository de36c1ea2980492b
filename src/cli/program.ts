/** All commands, and what they have in common: how wrong usage is told, and that no value is empty. */
import { Command, InvalidArgumentError, type Option } from 'commander';
import { printable } from '../io/printable.ts';
import { allMethods } from '../methods/index.ts';
import { flagOf, ownNames } from '../train/settings.ts';
import { compareCommand } from './compare.ts';
import { dataCommand } from './data.ts';
import { dedupeCommand } from './dedupe.ts';
import { embedCommand } from './embed.ts';
import { evalCommand } from './eval.ts';
import { experimentCommand } from './experiment.ts';
import { exportCommand } from './export.ts';
import { isFirst, refuseSeveral } from './first_rank.ts';
import { infoCommand } from './info.ts';
import { methodsCommand } from './methods.ts';
import { namedMethod } from './options.ts';
import { predictCommand } from './predict.ts';
import { searchCommand } from './search.ts';
import { trainCommand } from './train.ts';
import { watchCommand } from './watch.ts';
import { webCommand } from './web.ts';

/**
 * `simclr`, ready to parse a command line.
 * @param argv that line: the method that it names decides over the flags of some commands
 */
export function simclr(argv: readonly string[] = process.argv): Command {
  const method = namedMethod(argv);
  const program = new Command('simclr')
    .description('Self-supervised image representations, trained on any GPU with WebGPU.')
    .version('0.1.0');
  for (const command of [
    trainCommand(method),
    watchCommand(),
    methodsCommand(),
    compareCommand(),
    experimentCommand(method),
    evalCommand(),
    embedCommand(),
    searchCommand(),
    dedupeCommand(),
    predictCommand(),
    exportCommand(),
    infoCommand(),
    dataCommand(),
    webCommand(),
  ]) {
    program.addCommand(command);
  }
  setUp(program, 'simclr');
  program.hook('preAction', (_, called) => {
    const name = wordsOf(called);
    if (!together.includes(name)) refuseSeveral(name);
  });
  return program.showHelpAfterError('(simclr --help lists the commands and their options)');
}

/** What several processes that a launcher has started do together. */
const together = ['train', 'embed', 'eval knn', 'eval linear'];

/** How a command is called, behind the name of the program. */
const wordsOf = (command: Command): string =>
  command.parent?.parent ? `${wordsOf(command.parent)} ${command.name()}` : command.name();

const nothing = () => {};

/** Commander gives a command that is added nothing of its parent's: each is set up by itself. */
function setUp(command: Command, name: string): void {
  command
    .exitOverride()
    .configureOutput({
      ...(isFirst() ? {} : { writeOut: nothing, writeErr: nothing }),
      outputError: (text, write) => write(`${oneLine(text)}${ofMethod(text)}\n`),
    })
    .showHelpAfterError(`(${name} --help lists the ${command.commands.length > 0 ? 'commands' : 'options'})`);
  if (command.commands.length === 0)
    command.option(
      '--config <file>',
      'options in a file (.yaml, .json, or config.json of a run); those given here override it',
    );
  command.options.forEach(refuseEmpty);
  for (const child of command.commands) setUp(child, `${name} ${child.name()}`);
}

/** Of a flag that is not known here: the methods that have it. */
function ofMethod(error: string): string {
  const flag = /unknown option '(--[^']+)'/.exec(error)?.[1];
  const methods = allMethods().filter((method) =>
    ownNames(method)
      .map(flagOf)
      .includes(flag ?? ''),
  );
  return methods.length === 0 ? '' : ` (a setting of --method ${methods.map(({ name }) => name).join(', ')})`;
}

/** Commander puts what it suggests (`Did you mean --data?`) on a line of its own. */
const oneLine = (error: string): string => printable(error.trimEnd().replace(/\n(?=\(Did you mean [^\n]*\)$)/, ' '));

/** An empty value is a variable of the shell that is not set: taken as a path it would mean the folder one is in. */
function refuseEmpty(option: Option): void {
  const { parseArg, argChoices } = option;
  const what = /[<[](.+?)[>\]]/.exec(option.flags)?.[1];
  if (what === undefined || argChoices) return;
  const noun = /[^s]s$/.test(what) ? what : `${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what}`;
  option.argParser((text: string, before: unknown) => {
    if (text === '') throw new InvalidArgumentError(`Give ${noun}.`);
    return parseArg ? parseArg(text, before) : text;
  });
}
