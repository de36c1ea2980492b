/** PyTorch's values by the float64 reference and on every adapter; 96-pixel steps on the first adapter, the others' are long. */
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  awaitedOps,
  goldenChecks,
  goldenFolders,
  goldenItems,
  skipGolden,
  testOnAdapters,
  testReference,
} from './golden/suite.ts';
import { adapters } from './ops/harness.ts';

const items = goldenItems();
if (items) {
  for (const folder of goldenFolders) {
    if (existsSync(folder))
      it(`${folder} has files`, () => expect(items.some(({ path }) => path.startsWith(folder))).toBe(true));
    else skipGolden(`there is no folder ${folder}`);
  }
  it('no op is awaited that has a check', () =>
    expect([...awaitedOps].filter((op) => goldenChecks.has(op))).toEqual([]));
  for (const { name, op } of items.filter((item) => !goldenChecks.has(item.op))) {
    if (awaitedOps.has(op)) skipGolden(`${name}: nothing implements '${op}' yet`);
    else
      it(`${name} is of a known op`, () =>
        expect.fail(`its op is '${op}'; known are ${[...goldenChecks.keys()].join(', ')}`));
  }
  const known = items.filter(({ op }) => goldenChecks.has(op));
  testReference(known);
  testOnAdapters(known, ({ long }, adapter) => !long || adapter === adapters[0]);
} else {
  const reason = `there is no folder ${goldenFolders.join(' nor ')}; set GOLDEN_DIR`;
  console.warn(`PyTorch's values are not checked: ${reason}`);
  skipGolden(reason);
}
