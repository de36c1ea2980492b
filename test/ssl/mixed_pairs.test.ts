/** i-Mix in micro-batches: pictures are mixed within them, and the step is that of the whole batch. */
import { describe, expect, it } from 'vitest';
import type { ImageSet } from '../../src/data/images.ts';
import { hostImages } from '../../src/data/source.ts';
import { Linear } from '../../src/nn/layers.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { contrastMixed, mixFirstViews } from '../../src/ssl/mixed_pairs.ts';
import { splitStep } from '../../src/ssl/split_step.ts';
import { type StepParts, trainingMode } from '../../src/ssl/step.ts';
import { traceStep } from '../../src/ssl/trace_step.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { relativeError } from '../ops/harness.ts';
import { lowbias32 } from '../values.ts';
import { type ContrastiveOptions, contrastiveParts } from './contrastive.ts';
import { interpretStep } from './interpret_step.ts';

const images: ImageSet = {
  ...{ name: 'images by formula', count: 9, height: 8, width: 8, skipped: [] },
  read(i, target, offset) {
    for (let byte = 0; byte < 192; byte++) target[offset + byte] = lowbias32(i * 1000 + byte) % 256;
  },
};

type Mix = 'mixup' | 'cutmix';

/** Loss, weights and accuracy that a step on these images leaves, in float64: of a linear model, which sees each view alone. */
function stepOn(indices: readonly number[], mix: Mix, microBatch: number): number[][] {
  const settings = parseSettings({
    ...{ mix, mixAlpha: 1, temperature: 0.4, imageSize: 16, batchSize: indices.length, microBatch },
    ...{ optimizer: 'sgd', lr: 0.1, warmupEpochs: 0, schedule: 'constant', blur: 0 },
  }) as unknown as ContrastiveOptions & Parameters<typeof contrastMixed>[0];
  const model = new Linear('fc', 16 * 16 * 4, 5, 1);
  const embeddings = (x: Parameters<Linear['forward']>[0]) => model.forward(reshape(x, [x.shape[0], 1024]));
  const plain = contrastiveParts({ parameters: model.parameters, embeddings }, hostImages(images), settings);
  const { compare } = contrastMixed(settings, { batchSize: indices.length });
  const split = splitStep(
    { embed: ([views], feeds) => embeddings(mixFirstViews(views, feeds, settings)), compare },
    trainingMode(settings),
  );
  const parts: StepParts = { ...plain, learner: { ...plain.learner, ...split, metrics: {} } };
  const traced = traceStep(parts);
  expect(traced.phases).toHaveLength(microBatch === 0 ? 1 : 4);
  const values = interpretStep(traced, parts, Uint32Array.from(indices), { step: 3, epoch: 1, lr: 0.1 });
  const { loss, accuracy } = traced.phases.at(-1)!.outputs;
  return [loss, accuracy, ...model.parameters.map(({ tensor }) => tensor)].map((tensor) => [...values.get(tensor)!]);
}

const difference = (a: number[][], b: number[][]): number => Math.max(...a.map((x, i) => relativeError(x, b[i])));

describe.each(['mixup', 'cutmix'] as const)('%s', (mix) => {
  it.each([
    // Pairs of opposite rows: of each micro-batch here, of the whole batch there.
    [2, [4, 0, 8, 7, 2, 5], [4, 8, 2, 5, 7, 0]],
    [4, [4, 0, 8, 7, 2, 5, 1, 3], [4, 0, 2, 5, 1, 3, 8, 7]],
  ])(
    'in micro-batches of %i is the step of the whole batch in which the same images are mixed',
    (piece, rows, whole) => {
      const pieces = stepOn(rows, mix, piece);
      expect(difference(pieces, stepOn(whole, mix, 0))).toBeLessThan(1e-12);
      // It matters which are mixed with which.
      expect(difference(pieces, stepOn(rows, mix, 0))).toBeGreaterThan(1e-4);
    },
  );
});
