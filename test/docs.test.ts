/** What the documents point at is there: files, sections, scripts. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { firstPageOf, writtenSections } from '../scripts/docs/pages.ts';

const root = resolve(import.meta.dirname, '..');
const documents = [
  'README.md',
  ...['docs', 'bench'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
      .filter((file) => file.endsWith('.md') && !file.includes('node_modules')),
  ),
];
const read = (document: string): string => readFileSync(join(root, document), 'utf8');

/** The address of a heading, as code hosts make it. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, '')
    .trim()
    .replaceAll(' ', '-');

const anchors = (document: string): string[] =>
  [...read(document).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchor(heading));

/** What a document links to: Markdown's links and images, and images in HTML. */
const linksIn = (document: string): string[] =>
  [...read(document).matchAll(/\]\(([^)\s]+)\)|src="([^"]+)"/g)].map((match) => match[1] ?? match[2]);

/** The file that a link of a document means, from the project's root. */
const targetOf = (document: string, link: string): string => {
  const [file] = link.split('#');
  return file === '' ? document : join(dirname(document), file);
};

it.each(documents)('%s: links lead somewhere', (document) => {
  const broken = linksIn(document).filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [, section] = link.split('#');
    const target = targetOf(document, link);
    return !existsSync(join(root, target)) || (section !== undefined && !anchors(target).includes(section));
  });
  expect(broken).toEqual([]);
});

it('every document can be reached from the first page of the documentation', () => {
  const reached = new Set<string>();
  const visit = (document: string): void => {
    if (reached.has(document) || !documents.includes(document)) return;
    reached.add(document);
    for (const link of linksIn(document)) visit(targetOf(document, link));
  };
  visit('docs/README.md');
  expect(documents.filter((document) => !reached.has(document))).toEqual([]);
});

it('the documentation site has every document, each once', () => {
  const pages = [firstPageOf(root), ...writtenSections(root).flatMap((section) => section.pages)];
  expect(pages.map(({ path }) => path).sort()).toEqual([...documents].sort());
});

it.each(documents)('%s: scripts of npm that it names exist', (document) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = [...read(document).matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, name]) => name);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});
