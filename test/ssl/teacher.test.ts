import { expect, it } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { flatVariable, input, trace } from '../../src/graph/trace.ts';
import { mlp } from '../../src/nn/mlp.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { momentumSchedule, Teacher } from '../../src/ssl/teacher.ts';
import { noise, onEveryAdapter } from '../ops/harness.ts';

/** A head, others behind it in one flat variable, and one that follows it. */
function networks() {
  const head = (network: string) =>
    mlp({ name: 'projector', widths: [3, 7, 5], batchNorm: 'hidden', seed: 1, network });
  const [online, target, predictor] = [head(''), head('target'), mlp({ name: 'predictor', widths: [5, 5], seed: 1 })];
  const tensors = [...online.parameters, ...predictor.parameters].map(({ tensor }) => tensor);
  return { online, target, weights: flatVariable('online', tensors) };
}

const time = (step: number, steps = 10) => ({
  ...{ seed: 1, step, epoch: 0, steps, perEpoch: steps, first: 0, indices: new Uint32Array(2) },
});

onEveryAdapter((gpu) => {
  it('starts from the same values, follows with the momentum of the step, and rests where a step was left out', async () => {
    const { online, target, weights } = networks();
    const teacher = new Teacher([target], [online]);
    const feeds = new StepFeeds(2);
    const momentum = (step: number) => [0.9, 1, 0, 0.5][step - 1];
    const { graph } = trace(() => teacher.follow(feeds, ({ step }) => momentum(step), input('made', [1], 'u32')));
    const state = new State(gpu());
    const program = await Program.compile(graph, state);
    const values = async (module: typeof online) => {
      const all = [];
      for (const { tensor } of module.parameters) all.push(...(await state.read(tensor)));
      return Float32Array.from(all);
    };
    let expected = await values(target);
    expect(expected).toEqual(await values(online));
    state.write(weights, noise(weights.size, 7));
    const source = await values(online);
    for (let step = 1; step <= 4; step++) {
      const made = step === 4 ? 0 : 1;
      program.run({ made: Uint32Array.of(made), ...feeds.values(time(step)) });
      const m = made ? momentum(step) : 1;
      expected = expected.map((value, i) => m * value + (1 - m) * source[i]);
      const actual = await values(target);
      for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(expected[i], 6);
      if (m === 0) expect(actual).toEqual(source);
      expected = actual;
    }
    program.destroy();
    state.destroy();
  });
});

it('the momentum rises from its first value by half a cosine and reaches the last one after the last step', () => {
  const m = momentumSchedule(0.9, 1);
  expect(m(time(1))).toBeCloseTo(0.9, 15);
  expect(m(time(6))).toBeCloseTo(0.95, 15);
  expect(m(time(11))).toBe(1);
  expect(momentumSchedule(0.99, 0.99)(time(5))).toBe(0.99);
});
