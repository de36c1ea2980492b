import { expect } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { moco } from '../../src/methods/moco.ts';
import { type Kept, keptEntries } from '../../src/ssl/method.ts';
import { trainedParameters } from '../../src/ssl/step.ts';
import { learnerOf } from '../../src/train/learner.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { expectClose, type GoldenCheck, type GoldenFile, normError } from './harness.ts';
import { expectNorms, runSteps, twoViews } from './networks.ts';

/** The method's step on fixed views, without splits of batch norm, from the queue of the file. */
const check: GoldenCheck = async (file, device) => {
  const n = file.number('n');
  const settings = settingsOf(file);
  const learner = learnerOf(settings, { count: n, classes: 0 });
  const queue = learner.kept!['queue'] as Tensor;
  const losses = [...file.get('losses').data];
  const exact = device === 'reference';
  const options = {
    ...{ device, steps: losses.length, labels: [/^l2_normalize$/] },
    first: new Map([[queue, file.get('queue')]]),
  };
  const after = await runSteps(learner, twoViews(n, file.number('size')), settings, options, (step, result) => {
    const { loss, gradients, rows } = result;
    const error = Math.abs(loss / losses[step - 1] - 1);
    expect(error, `loss of step ${step}`).toBeLessThan(exact ? 1e-5 : step === 1 ? 1e-5 : 8e-3);
    if (step > 1) return;
    const [q, k] = Object.values(rows);
    for (const [name, actual] of Object.entries({ q, k }))
      expectClose(name, actual, file.get(name), exact ? 2e-7 : 2e-5);
    const conv1 = normError(gradients.get('conv1.weight')!.data, file.get('grad_conv1').data);
    expect(conv1, 'gradient of conv1.weight').toBeLessThan(exact ? 2e-6 : 1.5e-2);
  });
  expectNorms('weights after', file.json('param_norms_after'), after(trainedParameters(learner)));
  const key = keptEntries(learner.kept!['key'] as Kept).filter(({ tensor }) => !/running_/.test(tensor.name));
  expectNorms('key network after', file.json('key_param_norms_after'), after(key));
  const rows = after(keptEntries(queue)).get('queue')!;
  // Keys of later steps come from weights that rounding has moved; their places are what is checked.
  expect(normError(rows.data, file.get('queue_after').data), 'queue after').toBeLessThan(exact ? 1e-5 : 0.02);
  expect((losses.length * n) % file.number('queue_size')).toBe(file.number('pointer_after'));
  return undefined;
};

function settingsOf(file: GoldenFile) {
  const [, lr, weightDecay] = /SGD lr ([\d.e-]+), momentum .9, coupled weight decay ([\d.e-]+)/.exec(
    file.metadata['optimizer'],
  )!;
  const momentum = file.number('momentum');
  return parseSettings({
    ...{ method: moco.name, batchSize: file.number('n'), embeddingDim: file.number('output'), headWidth: 512 },
    ...{ queueSize: file.number('queue_size'), temperature: file.number('temperature'), batchNormSplits: 1 },
    ...{ emaMomentum: momentum, emaMomentumEnd: momentum },
    ...{ optimizer: 'sgd', lr: Number(lr), weightDecay: Number(weightDecay), schedule: 'constant', nesterov: false },
  });
}

export default check;
