/** What a report says of rows that could not be trained, or were warned of. */
import { expect, it } from 'vitest';
import { troubles } from '../../src/compare/report_text.ts';
import type { Results, RunResult } from '../../src/compare/results.ts';
import type { TrainWarning } from '../../src/ssl/health.ts';

const run = (seed: number, more: Partial<RunResult>): RunResult => ({ seed, ...more }) as RunResult;
const warned = (warnings: readonly Pick<TrainWarning, 'kind' | 'step' | 'message'>[]) =>
  ({ trained: { warnings } }) as unknown as Partial<RunResult>;

it('names what failed, and what was warned of, with the step; copies of images are the same for all rows', () => {
  const rows = [
    { label: 'simclr', runs: [run(1, { failed: 'no room' }), run(2, warned([]))] },
    {
      label: 'video-color',
      runs: [
        run(
          1,
          warned([
            { kind: 'duplicates', step: 0, message: '2 of 80 images are copies' },
            { kind: 'unfit', step: 0, message: 'photos: does not look like video' },
            { kind: 'chance', step: 50, message: 'the loss is at chance' },
          ]),
        ),
      ],
    },
  ];
  expect(troubles({ rows } as unknown as Results)).toEqual([
    'simclr, seed 1 has no numbers: no room.',
    'video-color: warned before the first step that photos: does not look like video.',
    'video-color: warned at step 50 that the loss is at chance.',
  ]);
});
