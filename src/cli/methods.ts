import { Command } from 'commander';
import { kindOf } from '../data/samples.ts';
import { allMethods, firstMethod } from '../methods/index.ts';
import { type Method, needsBeside } from '../ssl/method.ts';
import type { SettingName } from '../ssl/settings.ts';
import { flagOf, ownNames, settingsOf, wordsOf } from '../train/settings.ts';
import { Terminal } from './terminal.ts';

/** `simclr methods`: what `--method` takes. */
export function methodsCommand(): Command {
  return new Command('methods')
    .description('list the methods: source, what they need, their own settings with defaults')
    .option('--json', 'print all of it as JSON')
    .action(({ json }: { json?: boolean }) => {
      if (json) process.stdout.write(`${JSON.stringify(allMethods().map(facts), null, 2)}\n`);
      else printTable(new Terminal());
    });
}

function printTable(terminal: Terminal): void {
  terminal.table(
    ['method', 'source', 'needs', 'micro-batches', 'defaults'],
    allMethods().map((method) => [
      method.name,
      method.paper,
      needs(method),
      method.microBatches ? 'yes' : 'no',
      defaults(method),
    ]),
  );
  terminal.line();
  for (const { name, aliases = [], about } of allMethods())
    terminal.line(`${[name, ...aliases].join(', ')}: ${about}.`);
  terminal.line();
  terminal.line(
    `\`--method <name>\` chooses one (default: ${firstMethod.name}); \`train --method <name> --help\` lists its settings.`,
  );
}

const needs = (method: Method): string => needsBeside(method)[0] ?? kindOf(method);

/** Own settings, and shared ones that its source sets otherwise, as flags with their defaults. */
function defaults(method: Method): string {
  const table = settingsOf(method).parse({});
  const names = [...ownNames(method), ...(Object.keys(method.recipe) as SettingName[])];
  return names.flatMap((name) => wordsOf(flagOf(name), table[name])).join(' ');
}

/** For programs. */
function facts(method: Method) {
  const { name, aliases = [], about, paper, microBatches = false } = method;
  const { shape } = settingsOf(method);
  const settings = settingsOf(method).parse({});
  const own = ownNames(method).map((key) => ({ flag: flagOf(key), about: shape[key].description }));
  return {
    name,
    aliases,
    about,
    paper,
    needs: [kindOf(method), ...needsBeside(method)],
    microBatches,
    own,
    settings,
  };
}
