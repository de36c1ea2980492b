/** The method in the documentation: what is printed is what runs, and it runs as a user runs it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { drawnPhotos } from './cli/photos.ts';
import { run } from './cli/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'simclr-example-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Lines of code, without comments and without spaces at their ends. */
const codeOf = (text: string): string[] =>
  text
    .replace(/^\s*\/\*\*[\s\S]*?\*\/$/gm, '')
    .split('\n')
    .map((line) => line.replace(/(^|\s)\/\/.*/, '').trim())
    .filter((line) => line !== '');

it('every line that docs/adding-a-method.md prints stands in docs/examples/exemplar.mjs, in that order', () => {
  const [, printed] = /```js\n([\s\S]*?)```/.exec(readFileSync('docs/adding-a-method.md', 'utf8'))!;
  const example = codeOf(readFileSync('docs/examples/exemplar.mjs', 'utf8'));
  let at = 0;
  for (const line of codeOf(printed)) {
    const found = example.indexOf(line, at);
    expect(found, line).toBeGreaterThanOrEqual(at);
    at = found + 1;
  }
});

it('the example trains, resumes, and its run can be embedded and exported from the command line', async () => {
  const photos = drawnPhotos(join(folder, 'photos'), 12, 32);
  const out = join(folder, 'run');
  const train = (epochs: number) => {
    const given = JSON.stringify({ width: 0.25, imageSize: 16, batchSize: 4, epochs, views: 3, knnEvery: 0 });
    return spawnSync(process.execPath, ['docs/examples/train_exemplar.mjs', photos, out, given], { encoding: 'utf8' });
  };
  const first = train(2);
  expect(first.status, first.stderr).toBe(0);
  const lines = first.stdout.trim().split('\n');
  expect(lines[0]).toMatch(/^1 \d\.\d{3} \{ accuracy: [\d.]+ \} undefined$/);
  expect(lines.at(-1)).toMatch(/step-00000006\.safetensors$/);
  expect(train(2).stdout.trim()).toMatch(/step-00000006\.safetensors$/);
  const embedded = await run('embed', '--checkpoint', out, '--data', photos, '--out', join(folder, 'f.npy'));
  expect(embedded.code, embedded.err).toBe(0);
  expect(embedded.out).toContain('float32 [12, 128]');
  const exported = await run('export', '--checkpoint', out, '--out', join(folder, 'encoder.safetensors'));
  expect(exported.code, exported.err).toBe(0);
  const resumed = await run('train', '--resume', out);
  expect(resumed.code).toBe(1);
  expect(resumed.err).toContain("no method is named 'exemplar'");
});
