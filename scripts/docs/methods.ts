/** A page for each method, of what it says of itself. */
import { kindOf } from '../../src/data/samples.ts';
import { allMethods } from '../../src/methods/index.ts';
import { type Method, needsBeside } from '../../src/ssl/method.ts';
import { flagOf, wordsOf } from '../../src/train/settings.ts';
import { commandPage, methodOptions, optionTable } from './commands.ts';
import { cell, table } from './markdown.ts';
import type { Page } from './pages.ts';

const folder = 'docs/methods';

/** An overview, and a page for each method. */
export const methodPages = (): Page[] => [overview(), ...allMethods().map(page)];

function overview(): Page {
  const rows = allMethods().map((method) => [
    `[\`${method.name}\`](${method.name}.md)`,
    cell(sentence(method.about)),
    needs(method).join(', '),
    cell(method.paper),
  ]);
  const text = `# All methods

\`simclr train --method NAME\` takes one of these; \`simclr methods\` prints them. [Which one to take](../tasks/method.md), and how to
[add one of your own](../adding-a-method.md).

${table(['method', 'what it learns from', 'needs', 'source'], rows)}
`;
  return { path: `${folder}/README.md`, title: 'All methods', text };
}

function page(method: Method): Page {
  const { name, aliases = [], about, paper, recipe, short = {} } = method;
  const own = methodOptions(name);
  const facts = [
    ['source', cell(paper)],
    ['needs', needs(method).join(', ')],
    ...(aliases.length > 0 ? [['also called', aliases.map(code).join(', ')]] : []),
    ['`--micro-batch`', method.microBatches ? 'yes' : 'no'],
  ];
  const text = `# ${name}

${sentence(about)}

\`\`\`text
simclr train --method ${name} --data ${kindOf(method)}
\`\`\`

${table(['', ''], facts)}

## Settings of its own

${own.length > 0 ? optionTable(own) : 'It has none: those of [all methods](../reference/train.md) are all.'}

## What it sets otherwise

Defaults of [shared settings](../reference/train.md), as its source has them: ${flags(recipe)}

${Object.keys(short).length > 0 ? `In runs of minutes, which are the default without a GPU: ${flags(short)}` : ''}

${table(
  ['see also', ''],
  [
    [`[\`simclr train\`](${commandPage('train')})`, 'all settings'],
    ['[Choose a method](../tasks/method.md)', 'what to expect of it'],
    ['[Several GPUs](../distributed.md)', 'what it does on several processes'],
  ],
)}
`;
  return { path: `${folder}/${name}.md`, title: name, text };
}

const code = (text: string): string => `\`${text}\``;

/** What it is given: the kind of data, and what belongs to it. */
const needs = (method: Method): string[] => [kindOf(method), ...needsBeside(method)];

/** Settings as one would give them. */
function flags(settings: object): string {
  const words = Object.entries(settings).map(([name, value]) => wordsOf(flagOf(name), value).join(' '));
  return words.length > 0 ? `${words.map(code).join(', ')}.` : 'none.';
}

const sentence = (text: string): string => `${text[0].toUpperCase()}${text.slice(1)}.`;
