import fc from 'fast-check';
import { expect, it } from 'vitest';
import { experimentCommand, givenBy } from '../../src/cli/experiment.ts';
import { experimentFlags } from '../../src/experiment/experiment_flags.ts';
import { type GivenExperiment, planExperiment } from '../../src/experiment/experiment_settings.ts';
import { simclr } from '../../src/methods/simclr.ts';
import { parseSettings } from '../../src/train/settings.ts';

/** What `simclr experiment` takes from flags. */
function parsed(flags: readonly string[]): GivenExperiment {
  const command = experimentCommand(simclr);
  expect(command.parseOptions([...flags]).unknown).toEqual([]);
  return givenBy(command.opts());
}

const some = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const given = fc.record({
  pretrain: fc.record({
    epochs: some(7, 100),
    steps: some(0, 500),
    imageSize: some(32, 96),
    batchSize: some(32, 256),
    lr: some(1e-3, 1e-7),
    figureEvery: some(1, 10),
    temperature: some(0.2),
    precision: some('f16', 'f32'),
  }),
  supervised: fc.record({
    epochs: some(12, 100, 3),
    batchSize: some(32, 256),
    lr: some(0.1),
    supervisedAugment: some('crop-flip'),
    frozenBn: some('batch'),
  }),
  seeds: some([1], [3], [4, 2]),
  folds: some([0, 9]),
});

/** Without what was not given, as the command line has it. */
const withoutGaps = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;

it.each([
  [true, false],
  [false, false],
  [true, true],
  [false, true],
])('flags give the same experiment again (software adapter: %s, from a checkpoint: %s)', (software, from) => {
  const traits = { software };
  const checkpoint = from ? parseSettings({ seed: 5, imageSize: 64 }) : undefined;
  fc.assert(
    fc.property(given, ({ pretrain, supervised, seeds, folds }) => {
      const { precision, ...own } = withoutGaps(pretrain);
      const wanted = {
        ...{ seeds, folds, supervised: withoutGaps(supervised), checkpoint: from ? '/a/run.safetensors' : undefined },
        pretrain: { ...(!from && own), ...(precision && { precision }) },
      } as GivenExperiment;
      const plan = planExperiment(wanted, traits, checkpoint);
      expect(planExperiment(parsed(experimentFlags(plan, traits)), traits, checkpoint)).toEqual(plan);
    }),
    { numRuns: 100 },
  );
});
