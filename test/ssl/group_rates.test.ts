/** Which rates each parameter gets, from what a learner declares and what settings say, to what a step does to the weights. */
import { describe, expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { State } from '../../src/graph/state.ts';
import { simclr } from '../../src/methods/simclr.ts';
import { simsiam } from '../../src/methods/simsiam.ts';
import { mlp } from '../../src/nn/mlp.ts';
import { GroupRates } from '../../src/ssl/group_rates.ts';
import type { ParameterGroup } from '../../src/ssl/method.ts';
import { compileTraining } from '../../src/train/learner.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { images, tinySettings } from '../methods/harness.ts';
import { onEveryAdapter } from '../ops/harness.ts';

const [trunk, predictor] = ['trunk', 'predictor'].map((name) => mlp({ name, widths: [3, 4], seed: 1 }));
const group: ParameterGroup = {
  name: 'main',
  modules: [trunk, predictor],
  weightDecay: ({ step }) => step / 100,
  parts: [{ modules: [predictor], lr: () => 0.5 }],
};
const time = { seed: 1, step: 3, epoch: 0, steps: 9, perEpoch: 9, indices: new Uint32Array(2), first: 0 };
const rowsOf = (rates: GroupRates) =>
  group.modules.flatMap(({ parameters }) => parameters).map(({ tensor }) => rates.rowOf(tensor));

describe('rates of a group', () => {
  it('each part has a row; what it does not say is the schedule’s and the optimiser’s', () => {
    const rates = new GroupRates(group, {});
    expect(rowsOf(rates)).toEqual([0, 0, 1, 1]);
    expect(rates.at(time, 0.1, 2)).toEqual([{ lr: 0.1, weightDecay: 0.03 }, { lr: 0.5 }]);
  });

  it('biases and norms have rows of their own without decay, where they are excluded from it', () => {
    const rates = new GroupRates(group, { excludeBiasAndNorm: true });
    expect(rowsOf(rates)).toEqual([0, 1, 2, 3]);
    expect(rates.at(time, 0.1, 4)).toEqual([
      { lr: 0.1, weightDecay: 0.03 },
      { lr: 0.1, weightDecay: 0 },
      { lr: 0.5 },
      { lr: 0.5, weightDecay: 0 },
    ]);
  });

  it('refuses a part that the group does not have', () => {
    const other = mlp({ name: 'other', widths: [3, 4], seed: 1 });
    expect(() => new GroupRates({ ...group, parts: [{ modules: [other] }] }, {})).toThrow(
      'which the group does not have',
    );
  });
});

onEveryAdapter((gpu) => {
  /** What the first step changes in each parameter of a group: name, shape, values before and after. */
  async function firstStep(method: typeof simclr, given: GivenSettings, step = 1) {
    const state = new State(gpu());
    const settings = tinySettings(method, { optimizer: 'sgd', nesterov: false, momentum: 1e-6, ...given });
    const training = await compileTraining(state, residentImages(state, images), settings);
    const parameters = training.learner.groups[0].modules.flatMap((module) => module.parameters);
    const values = () => state.readAll(parameters.map(({ tensor }) => tensor));
    const before = await values();
    await training.step.step(Uint32Array.of(3, 16, 0, 7), { step, epoch: 0 }).read();
    const after = await values();
    training.step.destroy();
    state.destroy();
    gpu().trim();
    return parameters.map(({ tensor: { name, shape }, tensor }) => ({
      ...{ name, shape },
      change: Float64Array.from(before.get(tensor)!, (value, i) => after.get(tensor)![i] - value),
      before: before.get(tensor)!,
    }));
  }
  const norm = (values: ArrayLike<number>) =>
    Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

  it('--clip-norm: no step of SGD is longer than the learning rate times the norm, of all or of each tensor', async () => {
    const given = { lr: 1, weightDecay: 0, clipNorm: 1e-2 } as const;
    const all = await firstStep(simclr, given);
    expect(norm(all.flatMap(({ change }) => [...change]))).toBeCloseTo(1e-2, 4);
    const each = await firstStep(simclr, { ...given, clipPer: 'tensor' });
    const lengths = each.map(({ change }) => norm(change));
    expect(Math.max(...lengths)).toBeCloseTo(1e-2, 4);
    expect(lengths.filter((length) => length > 9e-3).length).toBeGreaterThan(1);
  });

  it('--exclude-bias-and-norm: with gradients clipped to nothing, decay alone moves the matrices and nothing else', async () => {
    const given = { lr: 0.5, weightDecay: 0.2, clipNorm: 1e-12 } as const;
    for (const excludeBiasAndNorm of [true, false]) {
      for (const { name, shape, before, change } of await firstStep(simclr, { ...given, excludeBiasAndNorm })) {
        const decays = shape.length > 1 || !excludeBiasAndNorm;
        const errors = Array.from(before as ArrayLike<number>, (value, i) =>
          Math.abs(change[i] + (decays ? 0.1 * value : 0)),
        );
        expect(
          errors.reduce((a, b) => Math.max(a, b), 0),
          name,
        ).toBeLessThan(1e-6);
      }
    }
  });

  it('SimSiam’s predictor keeps its learning rate where that of the rest has fallen to nothing', async () => {
    const given = { lr: 0.5, schedule: 'cosine', epochs: 2, weightDecay: 0 } as const;
    // One step after the last: the cosine has reached 0.
    const changes = await firstStep(simsiam, given, 9);
    const moved = changes.filter(({ change }) => norm(change) > 1e-6).map(({ name }) => name);
    expect(moved.length).toBeGreaterThan(0);
    expect(moved.filter((name) => !name.startsWith('predictor.'))).toEqual([]);
  });
});
