/** The documentation site: it is built without a warning, and every link of it leads somewhere, also to the place in the page. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { inflateSync } from 'node:zlib';
import { beforeAll, expect, it, vi } from 'vitest';
import { allMethods } from '../src/methods/index.ts';
import { scratchFolder } from './cli/run.ts';

vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });

const site = join(scratchFolder(), 'site');

// Rejects, with all that was printed, where a page or a docstring has something that TypeDoc warns of.
beforeAll(() => promisify(execFile)(process.execPath, ['scripts/docs.mjs', site]));

/** All pages, relative to the site. */
const pages = (): string[] =>
  readdirSync(site, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.html'));

const texts = new Map<string, string>();
function read(file: string): string {
  const text = texts.get(file) ?? readFileSync(join(site, file), 'utf8');
  texts.set(file, text);
  return text;
}

const unescaped = (text: string): string =>
  text.replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"');

/** What a page points at. */
const linksOf = (page: string): string[] =>
  [...read(page).matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, link]) => unescaped(link));

const places = new Map<string, Set<string>>();
function placesOf(page: string): Set<string> {
  const found = places.get(page) ?? new Set([...read(page).matchAll(/\sid="([^"]*)"/g)].map(([, id]) => unescaped(id)));
  places.set(page, found);
  return found;
}

/** Why a link of a page is broken; undefined: it is not, or leads out of the site. */
function broken(page: string, link: string): string | undefined {
  if (/^(?:https?|mailto|data):/.test(link)) return undefined;
  const [path, place] = link.split('#').map(decodeURIComponent);
  const file = path === '' ? page : relative(site, resolve(site, dirname(page), path)).replaceAll('\\', '/');
  if (file.startsWith('..') || !existsSync(join(site, file))) return `${page}: ${link} is not there`;
  if (!place || !file.endsWith('.html')) return undefined;
  return placesOf(file).has(place) ? undefined : `${page}: ${link} has no such place`;
}

it('has a page for each task, method and command', () => {
  const all = pages();
  const tasks = readdirSync('docs/tasks').map((name) => `tasks/${name.replace(/\.md$/, '.html')}`);
  const methods = allMethods().map(({ name }) => `methods/${name}.html`);
  const commands = ['train', 'embed', 'search', 'eval-linear', 'export'].map((name) => `reference/${name}.html`);
  expect(all).toEqual(expect.arrayContaining(['index.html', 'library.html', ...tasks, ...methods, ...commands]));
});

it('has what only browsers have beside the library, and of that nothing twice', () => {
  const all = pages();
  const exports = /^export \{([^}]+)\}/gm;
  const own = [...readFileSync('src/browser.ts', 'utf8').matchAll(exports)].flatMap(([, names]) =>
    names.split(',').map((name) => name.trim().replace(/^type /, '')),
  );
  const inBrowsers = all.filter((page) => page.startsWith('library/browser/'));
  const nameOf = (page: string) => basename(page, '.html');
  expect(inBrowsers.map(nameOf)).toEqual(expect.arrayContaining(own));
  const twice = inBrowsers.filter((page) => all.includes(page.replace('/browser', '')));
  expect(twice.map(nameOf).filter((name) => !own.includes(name))).toEqual([]);
  for (const name of own) expect(read('library/browser.html')).toContain(`/${name}.html"`);
});

it('every link leads somewhere', () => {
  const links = pages().flatMap((page) => linksOf(page).map((link) => [page, link] as const));
  expect(links.length).toBeGreaterThan(1000);
  expect([...new Set(links.flatMap(([page, link]) => broken(page, link) ?? []))]).toEqual([]);
});

it('so does every entry of the navigation', () => {
  const [, data] = /"([^"]+)"/.exec(readFileSync(join(site, 'assets/navigation.js'), 'utf8'))!;
  const entries = JSON.parse(inflateSync(Buffer.from(data, 'base64')).toString()) as Entry[];
  const paths = entries.flatMap(pathsOf);
  expect(paths.length).toBeGreaterThan(100);
  expect(paths.flatMap((path) => broken('index.html', path) ?? [])).toEqual([]);
});

/** As TypeDoc's page script reads it. */
interface Entry {
  readonly path?: string;
  readonly children?: readonly Entry[];
}

const pathsOf = ({ path, children = [] }: Entry): string[] => [
  ...(path === undefined ? [] : [path]),
  ...children.flatMap(pathsOf),
];
