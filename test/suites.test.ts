/**
 * Which tests are in which suite: `npm test` leaves out the files named `*.full.test.ts`, `npm run test:full` has them too, and
 * `npm run test:faults` those named `*.faults.test.ts`, which no other has.
 */
import { readdirSync } from 'node:fs';
import { relative } from 'node:path';
import { expect, it } from 'vitest';
import { createVitest } from 'vitest/node';

const folder = import.meta.dirname;
const all = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.test.ts'));
const faults = all.filter((file) => file.endsWith('.faults.test.ts'));
const files = all.filter((file) => !faults.includes(file));
const isLong = (file: string): boolean => file.endsWith('.full.test.ts');

/** What vitest would run with the project's settings, relative to `test/`. */
async function filesOf(options: { mode?: string }): Promise<string[]> {
  const vitest = await createVitest('test', { watch: false, ...options });
  try {
    const found = await vitest.globTestSpecifications();
    return found.map(({ moduleId }) => relative(folder, moduleId)).sort();
  } finally {
    await vitest.close();
  }
}

it('the fast suite has all but the long tests', async () => {
  expect(await filesOf({})).toEqual(files.filter((file) => !isLong(file)).sort());
});

it('the full suite has all tests', async () => {
  expect(files.filter(isLong)).not.toEqual([]);
  expect(await filesOf({ mode: 'full' })).toEqual([...files].sort());
});

it('the campaign of faults has its own', async () => {
  expect(faults).not.toEqual([]);
  expect(await filesOf({ mode: 'faults' })).toEqual([...faults].sort());
});
