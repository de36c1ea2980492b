/** Which pages the site has, in which order, and under which heading of its navigation. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A page, as Markdown. */
export interface Page {
  /** Where it lies, from the project's root: its links are relative to this, whether there is such a file or it is generated. */
  readonly path: string;
  readonly text: string;
  /** The name of the page in the navigation. */
  readonly title: string;
}

/** Pages under one heading. */
export interface Section {
  readonly title: string;
  readonly pages: readonly Page[];
}

const firstPage = 'docs/README.md';

/** The first page, which is also what a code host shows of docs/. */
export const firstPageOf = (root: string): Page => ({
  path: firstPage,
  text: readFileSync(join(root, firstPage), 'utf8'),
  title: 'simclr-webgpu',
});

/** The order of what has one; other pages of the same folder follow by their names. */
const order = {
  start: ['docs/start.md', 'README.md', 'docs/offline.md'],
  tasks: ['train', 'method', 'evaluate', 'search', 'classify', 'export', 'gpus', 'watch', 'browser', 'library'].map(
    (name) => `docs/tasks/${name}.md`,
  ),
  guides: ['training', 'evaluation', 'photos', 'export', 'compare', 'experiment'].map((name) => `docs/${name}.md`),
  methods: ['docs/methods.md', 'docs/adding-a-method.md'],
  inside: ['docs/architecture.md', 'docs/reliability.md', 'bench/README.md', 'bench/peers/README.md'],
};

/** Names that are shorter than the headings of their pages. */
const shortTitles: Readonly<Record<string, string>> = {
  'README.md': 'At a glance',
  'bench/README.md': 'Benchmarks',
  'bench/peers/README.md': 'Peers of the benchmarks',
  'docs/adding-a-method.md': 'A method of your own',
  'docs/methods.md': 'Kinds of methods',
  'docs/offline.md': 'Without internet',
  'docs/reliability.md': 'Reliability',
};

/** All pages that lie in the project, by section. */
export function writtenSections(root: string): Section[] {
  const page = (path: string): Page => {
    const text = readFileSync(join(root, path), 'utf8');
    return { path, text, title: shortTitles[path] ?? heading(text, path) };
  };
  const placed = new Set([...order.start, ...order.methods, ...order.inside, firstPage]);
  const ordered = (folder: string, first: readonly string[]) =>
    [...new Set([...first, ...pagesIn(root, folder)])].filter((path) => !placed.has(path) || first.includes(path));
  const results = [...pagesIn(root, 'docs/results'), ...pagesIn(root, 'bench/results')];
  return [
    { title: 'Start', pages: order.start.map(page) },
    { title: 'Tasks', pages: ordered('docs/tasks', order.tasks).map(page) },
    { title: 'Guides', pages: ordered('docs', order.guides).map(page) },
    { title: 'Methods', pages: order.methods.map(page) },
    { title: 'How it works', pages: order.inside.map(page) },
    { title: 'Results', pages: results.map(page).map((result) => ({ ...result, title: dated(result) })) },
  ];
}

/** Markdown files in a folder, not below it. */
const pagesIn = (root: string, folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);

/** The first heading, up to a colon: what follows explains it. */
function heading(text: string, path: string): string {
  const found = /^# (.+)$/m.exec(text)?.[1];
  if (found === undefined) throw new Error(`${path} has no heading`);
  return found.split(':')[0].replaceAll('`', '');
}

/** Reports of measurements have their days in their names, and several may have the same heading. */
function dated({ path, title }: Page): string {
  const day = /\d{4}-\d\d-\d\d/.exec(path)?.[0];
  return day === undefined || title.includes(day) ? title : `${title} (${day})`;
}
