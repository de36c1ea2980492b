import { expect, it } from 'vitest';
import { fncancel } from '../../src/methods/fncancel.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { testMethod } from './harness.ts';

// The first epoch is SimCLR's, the second has false negatives.
testMethod(fncancel, { supportViews: 2, topK: 2, threshold: 0, cancelAfter: 1 });

it('refuses to leave no negatives', () => {
  const given = { method: 'fncancel', cancel: 'eliminate', batchSize: 4 };
  expect(() => parseSettings({ ...given, topK: 6 })).toThrow(
    '--top-k (6) leaves no negatives of the 6 that --batch-size 4 has; use fewer than 6',
  );
  expect(parseSettings({ ...given, topK: 5 })).toMatchObject({ topK: 5 });
});
