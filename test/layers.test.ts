/**
 * Imports point one way: cli, web → compare, watch → experiment → eval → train → analysis, onnx, report, tensorboard → methods → ssl →
 * losses, nn, optim → data → io, ops → graph → gpu, mpi.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const levels = [
  ['cli', 'web'],
  ['compare', 'watch'],
  ['experiment'],
  ['eval'],
  ['train'],
  ['analysis', 'onnx', 'report', 'tensorboard'],
  ['methods'],
  ['ssl'],
  ['losses', 'nn', 'optim'],
  ['data'],
  ['io', 'ops'],
  ['graph'],
  ['gpu', 'mpi'],
];
/** Files that any layer may import, and those that may import all: the library. */
const free = ['src/errors.ts', 'src/float16.ts'];
const tops = ['src/portable.ts', 'src/index.ts', 'src/browser.ts'];

interface Import {
  readonly from: string;
  readonly to: string;
}

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join('src', file).replaceAll('\\', '/'));

/** Imports of files, static and dynamic, as paths from the project's root. */
function importsOf(from: string): Import[] {
  const text = readFileSync(join(root, from), 'utf8');
  const found = text.matchAll(/(?:\bfrom\s+|\bimport\s+|\bimport\s*\(\s*)'(\.[^']*)'/g);
  return [...found].map(([, path]) => ({
    from,
    to: relative(root, resolve(root, dirname(from), path)).replaceAll('\\', '/'),
  }));
}

const imports = files.flatMap(importsOf);
const layerOf = (file: string): string => /^src\/([^/]+)\//.exec(file)?.[1] ?? file;
const levelOf = (layer: string): number => levels.findIndex((level) => level.includes(layer));

function mayImport({ from, to }: Import): boolean {
  if (tops.includes(from) || free.includes(to)) return true;
  const [importer, imported] = [layerOf(from), layerOf(to)];
  if (to.startsWith('kernels/')) return importer === 'ops';
  if (importer === imported) return true; // within a level a layer imports itself only
  return levelOf(imported) > levelOf(importer);
}

it('every folder of src is a layer', () => {
  const layers = new Set(files.filter((file) => !tops.includes(file) && !free.includes(file)).map(layerOf));
  expect([...layers].filter((layer) => levelOf(layer) < 0)).toEqual([]);
});

it('imports point down', () => {
  expect(imports.length).toBeGreaterThan(100);
  const wrong = imports.filter((item) => !mayImport(item)).map(({ from, to }) => `${from} imports ${to}`);
  expect(wrong).toEqual([]);
});

it('files import each other in no circle', () => {
  const next = new Map(files.map((file) => [file, imports.filter(({ from }) => from === file).map(({ to }) => to)]));
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) expect.fail(`a circle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    if (done.has(file)) return;
    for (const other of next.get(file) ?? []) visit(other, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});
