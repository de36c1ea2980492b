import { expect } from 'vitest';
import { byol } from '../../src/methods/byol.ts';
import type { NamedTensor } from '../../src/nn/module.ts';
import { keptEntries } from '../../src/ssl/method.ts';
import { trainedParameters } from '../../src/ssl/step.ts';
import { stored } from '../../src/train/checkpoint_tensors.ts';
import { learnerOf } from '../../src/train/learner.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { type GoldenCheck, type GoldenFile, normError } from './harness.ts';
import { expectNorms, runSteps, twoViews } from './networks.ts';

/** Both views in one pass are another network's step: the method passes each alone. */
const jointly = 'this method passes each view alone, with statistics of its own; the file has both in one pass';

/** The step of the method on fixed views, with SGD as the file says. */
const check: GoldenCheck = async (file, device) => {
  const n = file.number('n');
  if (!/each view in a pass of its own/.test(file.metadata['views'])) return readAll(file);
  const learner = learnerOf(settingsOf(file), { count: n, classes: 0 });
  const views = twoViews(n, file.number('size'));
  const losses = file.json<number[]>('losses') ?? [...file.get('losses').data];
  const options = { device, steps: losses.length, labels: [/^target\/projector\.3\/matmul$/] };
  const exact = device === 'reference';
  const after = await runSteps(learner, views, settingsOf(file), options, (step, { loss, gradients, rows }) => {
    const error = Math.abs(loss / losses[step - 1] - 1);
    expect(error, `loss of step ${step}`).toBeLessThan(exact ? 1e-5 : step === 1 ? 1e-5 : 8e-3);
    if (step > 1) return;
    const target = Float32Array.from(Object.values(rows).flatMap((view) => [...view]));
    expect(normError(target, file.get('target_z').data), 'target_z').toBeLessThan(exact ? 2e-7 : 2e-5);
    const conv1 = normError(gradients.get('conv1.weight')!.data, file.get('grad_conv1').data);
    expect(conv1, 'gradient of conv1.weight').toBeLessThan(exact ? 2e-6 : 1.5e-2);
    expectNorms('gradient', file.json('grad_norms'), gradients, { tolerance: 0.02, small: 1e-3 });
  });
  expectNorms('weights after', file.json('param_norms_after'), after(trainedParameters(learner)));
  const target = keptEntries(learner.kept!['target']);
  const [parameters, buffers] = [target.filter((entry) => !isBuffer(entry)), target.filter(isBuffer)];
  expectNorms('target after', file.json('target_param_norms_after'), after(parameters));
  // Two passes a step: PyTorch counts each.
  const files = [...stored(after(buffers), 2 * losses.length)].map(
    ([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data as ArrayLike<number>, Number) }] as const,
  );
  expectNorms('statistics of the target after', file.json('target_buffer_norms_after'), new Map(files));
  return undefined;
};

const isBuffer = ({ tensor }: NamedTensor): boolean => /running_/.test(tensor.name);

function settingsOf(file: GoldenFile) {
  const [, lr, weightDecay] = /SGD lr ([\d.e-]+), momentum .9, coupled weight decay ([\d.e-]+)/.exec(
    file.metadata['optimizer'],
  )!;
  const momentum = file.number('momentum');
  return parseSettings({
    ...{ method: byol.name, batchSize: file.number('n'), embeddingDim: file.number('output') },
    ...{ headWidth: file.number('hidden'), headOutputBias: true, emaMomentum: momentum, emaMomentumEnd: momentum },
    ...{ optimizer: 'sgd', lr: Number(lr), weightDecay: Number(weightDecay), schedule: 'constant', nesterov: false },
  });
}

function readAll(file: GoldenFile): string {
  for (const name of file.names) file.get(name);
  return jointly;
}

export default check;
