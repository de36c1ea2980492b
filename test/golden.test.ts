/** PyTorch's values by the float64 reference and on every adapter; 96-pixel steps on the first adapter, the others' are long. */
import { expect, it } from 'vitest';
import { goldenChecks, goldenFolder, goldenItems, skipGolden, testOnAdapters, testReference } from './golden/suite.ts';
import { adapters } from './ops/harness.ts';

const items = goldenItems();
if (items) {
  it(`${goldenFolder} has files`, () => expect(items).not.toEqual([]));
  for (const { name, op } of items.filter((item) => !goldenChecks.has(item.op))) {
    it(`${name} is of a known op`, () =>
      expect.fail(`its op is '${op}'; known are ${[...goldenChecks.keys()].join(', ')}`));
  }
  const known = items.filter(({ op }) => goldenChecks.has(op));
  testReference(known);
  testOnAdapters(known, ({ long }, adapter) => !long || adapter === adapters[0]);
} else {
  const reason = `there is no folder ${goldenFolder}; set GOLDEN_DIR`;
  console.warn(`PyTorch's values are not checked: ${reason}`);
  skipGolden(reason);
}
