/** What pages of tasks show is found, and what is printed otherwise than they say is noticed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scratchFolder } from './cli/run.ts';
import { patternOf, plain, stepsOf } from './docs_pages.ts';

it('a page has files, commands, and what these print', () => {
  const page = join(scratchFolder(), 'page.md');
  const fence = '```';
  writeFileSync(
    page,
    [
      ...['# A page', `${fence}yaml`, '# run.yaml', 'epochs: 1', fence],
      ...[`${fence}sh`, 'first', 'second', fence, '', `${fence}text`, 'printed 1', fence],
      ...['This is not what it prints:', `${fence}text`, 'other', fence],
      ...[`${fence}sh`, 'third', fence, 'More.', `${fence}text`, 'no output', fence, ''],
    ].join('\n'),
  );
  expect(stepsOf(page)).toEqual([
    { kind: 'file', name: 'run.yaml', text: '# run.yaml\nepochs: 1\n' },
    { kind: 'commands', commands: 'first\nsecond\n', printed: 'printed 1\n' },
    { kind: 'commands', commands: 'third\n' },
  ]);
});

const page = `
epoch 1/1  loss 3.288  acc 12.4 %
…
query      rank  similarity
---------  ----  ----------
query.jpg     1      1.0000
  npx simclr embed --data photos
`;

it.each([
  [
    'other numbers, more lines, wider columns',
    true,
    (text: string) => text.replace('…', 'x\ny').replace('3.288', '10.1'),
  ],
  ['rules of other widths', true, (text: string) => text.replace('---------', '---------------')],
  ['commands over two lines', true, (text: string) => text.replace(' --data', ' \\\n    --data')],
  ['another word', false, (text: string) => text.replace('loss', 'Loss')],
  ['a column less', false, (text: string) => text.replace('  similarity', '')],
  ['a line less', false, (text: string) => text.replace(/epoch.*\n/, '')],
  ['another order', false, (text: string) => text.split('\n').reverse().join('\n')],
])('%s: as the page says it is %s', (_, same, change) => {
  expect(patternOf(page).test(plain(change(page)))).toBe(same);
});
