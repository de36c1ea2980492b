import { expect } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { negativeCosine } from '../../src/losses/negative_cosine.ts';
import { byol } from '../../src/methods/byol.ts';
import { makeEncoder } from '../../src/nn/encoders.ts';
import { mlp } from '../../src/nn/mlp.ts';
import type { Module, NamedTensor } from '../../src/nn/module.ts';
import { add } from '../../src/ops/add.ts';
import { mul } from '../../src/ops/binary.ts';
import { concat, slice } from '../../src/ops/strided_copy.ts';
import { keptEntries, type Learner } from '../../src/ssl/method.ts';
import { trainedParameters } from '../../src/ssl/step.ts';
import { Teacher } from '../../src/ssl/teacher.ts';
import { stored } from '../../src/train/checkpoint_tensors.ts';
import { learnerOf } from '../../src/train/learner.ts';
import { parseSettings, type TrainSettings } from '../../src/train/settings.ts';
import { type GoldenCheck, type GoldenFile, normError } from './harness.ts';
import { expectNorms, runSteps, twoViews } from './networks.ts';

/**
 * The method's networks, but both views in one pass, normalised by statistics of both: what the method does not do, and what holds its
 * parts to PyTorch once more.
 */
function jointLearner(settings: TrainSettings, method: Learner): Learner {
  const [f, g, q] = method.groups[0].modules as readonly Module[];
  const { target, teacher } = targetOf(settings, [f, g]);
  const mode = { training: true };
  return {
    ...method,
    kept: { target: teacher },
    step(views, feeds) {
      const both = concat(views, 0);
      const halves = (rows: Tensor) =>
        [0, 1].map((v) => slice(rows, 0, (v * rows.shape[0]) / 2, ((v + 1) * rows.shape[0]) / 2));
      const [p1, p2] = halves(q.forward(g.forward(f.forward(both, mode), mode), mode));
      const [t1, t2] = halves(target.reduce((rows, module) => module.forward(rows, mode), both));
      const loss = add(mul(add(negativeCosine(p1, t2), negativeCosine(p2, t1)), 2), 4);
      const { emaMomentum } = settings as unknown as { emaMomentum: number };
      return { losses: [['main', () => loss]], after: (made) => teacher.follow(feeds, () => emaMomentum, made) };
    },
  };
}

/** A target of the method's shapes. */
function targetOf(settings: TrainSettings, followed: readonly Module[]) {
  const { headWidth, embeddingDim } = settings as unknown as { headWidth: number; embeddingDim: number };
  const encoder = makeEncoder(settings, 'target');
  const widths = [encoder.dimensions, headWidth, embeddingDim];
  const head = mlp({ name: 'projector', network: 'target', widths, batchNorm: 'hidden', seed: settings.seed });
  const target: readonly Module[] = [encoder, head];
  return { target, teacher: new Teacher(target, followed) };
}

/** The step of the method on fixed views, with SGD as the file says; or with both views in one pass. */
const check: GoldenCheck = async (file, device) => {
  const n = file.number('n');
  const alone = /each view in a pass of its own/.test(file.metadata['views']);
  const method = learnerOf(settingsOf(file), { count: n, classes: 0 });
  const learner = alone ? method : jointLearner(settingsOf(file), method);
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
  // PyTorch counts passes.
  const files = [...stored(after(buffers), (alone ? 2 : 1) * losses.length)].map(
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

export default check;
