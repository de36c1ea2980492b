/** The command line's own help as pages: what commander knows is all that they say, so they cannot be stale. */
import type { Command, Option } from 'commander';
import { simclr } from '../../src/cli/program.ts';
import { cell, table } from './markdown.ts';
import type { Page } from './pages.ts';

const folder = 'docs/reference';

/** The page of a command, as other generated pages name it in links; relative to their own folder, which lies beside this one. */
export const commandPage = (words: string): string => `../reference/${words.replaceAll(' ', '-')}.md`;

/** An overview, and a page for each command that does something. */
export function commandPages(): Page[] {
  const program = simclr(['node', 'simclr']);
  const commands = leaves(program);
  return [overview(commands), ...commands.map(page)];
}

/** Options of `train` that a method adds, as commander shows them. */
export function methodOptions(method: string): readonly Option[] {
  const train = simclr(['node', 'simclr', 'train', '--method', method]).commands.find(
    (command) => command.name() === 'train',
  )!;
  return visible(train).filter(({ helpGroupHeading }) => helpGroupHeading === `Method ${method}:`);
}

/** A table of options with what the help says of them. */
export const optionTable = (options: readonly Option[]): string =>
  table(
    ['option', 'what it does'],
    options.map((option) => [flagsOf(option), cell(described(option))]),
  );

/** `--data` `<folder>`: words by themselves, between which a line may end. */
const flagsOf = ({ flags }: Option): string => flags.replaceAll('|', '\\|').replace(/\S+/g, (word) => `\`${word}\``);

/** As commander prints it: with choices and default. */
const described = (option: Option): string => program.createHelp().optionDescription(option);
const program = simclr(['node', 'simclr']);

const visible = (command: Command): Option[] => command.createHelp().visibleOptions(command);

/** Commands without commands of their own, in the order of the help. */
const leaves = (command: Command): Command[] =>
  command.commands.flatMap((child) => (child.commands.length > 0 ? leaves(child) : [child]));

/** `eval linear` */
const wordsOf = (command: Command): string =>
  command.parent?.parent ? `${wordsOf(command.parent)} ${command.name()}` : command.name();

function overview(commands: readonly Command[]): Page {
  const rows = commands.map((command) => {
    const words = wordsOf(command);
    return [`[\`${words}\`](${commandPage(words)})`, cell(command.description())];
  });
  const text = `# All commands

In a clone, \`npm run simclr -- COMMAND\` builds and runs \`simclr COMMAND\`. Each command lists its options with \`--help\`; these pages are made of that.

${table(['command', 'what it does'], rows)}
`;
  return { path: `${folder}/README.md`, title: 'All commands', text };
}

function page(command: Command): Page {
  const words = wordsOf(command);
  const options = visible(command).filter(({ long }) => long !== '--help');
  const sections = [...new Set(options.map(headingOf))].map(
    (heading) =>
      `## ${heading.replace(/:$/, '')}\n\n${optionTable(options.filter((one) => headingOf(one) === heading))}`,
  );
  const note =
    words === 'train'
      ? 'The options are those of `--method simclr`, the default; [other methods](../methods/README.md) have others too.\n\n'
      : '';
  const text = `# simclr ${words}

${sentence(command.description())}

\`\`\`text
simclr ${words} ${command.usage()}
\`\`\`

${note}${sections.join('\n\n')}
`;
  return { path: `${folder}/${words.replaceAll(' ', '-')}.md`, title: words, text };
}

/** Under which heading the help has an option. */
const headingOf = ({ helpGroupHeading = 'Options:' }: Option): string => helpGroupHeading;

const sentence = (text: string): string => `${text[0].toUpperCase()}${text.slice(1)}.`;
