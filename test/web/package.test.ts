/** The library as browsers get it: no module of Node is reached, and who imports one op pays for that op. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { browserFiles, buildModules } from '../../scripts/build_browser.mjs';

const root = join(import.meta.dirname, '../..');
/** In the project's folder, as a bundler asks the nearest package.json whether modules have side effects. */
const folder = `dist/test-browser-${process.pid}`;

beforeAll(() => buildModules(folder));
afterAll(() => rmSync(join(root, folder), { recursive: true, force: true }));

it('reaches no module of Node, and no package but zod', async () => {
  const files = await browserFiles();
  expect(files.length).toBeGreaterThan(400);
  const packages = files.flatMap(({ file, packages }) => packages.map((name) => `${file}: ${name}`));
  expect(packages).toEqual([]);
  const others = files.map(({ file }) => file).filter((file) => /node_modules\/(?!zod\/)/.test(file));
  expect(others).toEqual([]);
});

/** What a bundler makes of a program that uses one export of the library. */
async function bundle(name: string): Promise<Metafile['outputs'][string]> {
  const contents = `import { ${name} } from './${folder}/src/browser.js'; globalThis.used = ${name};`;
  const { metafile } = await build({
    ...{ stdin: { contents, resolveDir: root }, absWorkingDir: root, bundle: true, minify: true, write: false },
    ...{ format: 'esm', metafile: true, logLevel: 'error' },
  });
  return Object.values(metafile.outputs)[0];
}

const kernelsIn = ({ inputs }: Metafile['outputs'][string]): string[] =>
  Object.entries(inputs)
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([file]) => /\/kernels\/([^/]+)\//.exec(file)?.[1] ?? []);

it('relu alone is a few kilobytes, and has no other kernels', async () => {
  const output = await bundle('relu');
  expect(new Set(kernelsIn(output))).toEqual(new Set(['relu']));
  expect(output.bytes).toBeLessThan(10_000);
});

it('a matrix product does not bring augmentation, and a device brings no kernel', async () => {
  expect(kernelsIn(await bundle('matmul'))).not.toContain('augment');
  expect(kernelsIn(await bundle('Gpu'))).toEqual([]);
});
