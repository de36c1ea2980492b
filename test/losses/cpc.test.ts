/** Contrastive predictive coding: the loss by its definition, what guessing and knowing give, and that nothing is seen that comes later. */
import { describe, expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { cpc, cpcCandidates } from '../../src/losses/cpc.ts';
import { CpcHead } from '../../src/nn/cpc_head.ts';
import { mul } from '../../src/ops/binary.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { sum } from '../../src/ops/reduce.ts';
import { slice } from '../../src/ops/strided_copy.ts';
import { type Case, noise, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { values } from './values.ts';

/** Sequences and predictions of all their steps but the first. */
const samples = (n: number, steps: number, d: number, predictions: number, skip: number) => ({
  z: sample('z', [n, steps, d]),
  p: Array.from({ length: predictions }, (_, i) => sample(`p${i + 1}`, [n, steps - skip - (i + 1), d])),
});

const sequenceCase = (n: number, steps: number, d: number, predictions: number, skip: number): Case => ({
  name: `cpc of ${n} sequences of ${steps} steps, ${predictions} of them predicted behind ${skip}`,
  build() {
    const { z, p } = samples(n, steps, d, predictions, skip);
    const { loss, accuracy, informationBound } = cpc(z, p, { skip });
    const [dz, dp] = gradients(loss, [z, p[0]], sample('dloss', [1], { offset: 3 }));
    return { loss, accuracy, informationBound, dz, dp };
  },
});
testCases([sequenceCase(1, 3, 5, 2, 0), sequenceCase(3, 7, 4, 5, 1), sequenceCase(9, 8, 13, 2, 3)]);

testGradient('cpc', () => {
  const { z, p } = samples(2, 5, 3, 2, 1);
  const { loss } = cpc(z, p, { skip: 1 });
  const dy = sample('dloss', [1], { offset: 2 });
  return { y: loss, dy, targets: [z, ...p], dx: gradients(loss, [z, ...p], dy) };
});

testGradient('cpc of a head', () => {
  const head = new CpcHead('head', { inputs: 3, hidden: 4, predictions: 2, skip: 1, seed: 5 });
  const z = sample('z', [2, 5, 3]);
  const targets = [z, ...head.parameters.map(({ tensor }) => tensor)];
  const { loss } = cpc(z, head.predict(z, { training: true }), { skip: 1 });
  const dy = sample('dloss', [1], { offset: 2 });
  return { y: loss, dy, targets, dx: gradients(loss, targets, dy) };
});

describe('the loss', () => {
  const [n, steps, d, skip, count] = [3, 6, 4, 1, 3];
  const z = noise(n * steps * d, 3);
  const p = Array.from({ length: count }, (_, i) => noise(n * (steps - skip - (i + 1)) * d, 4 + i));
  const made = (scale: number, of = p) => {
    const tensors = of.map((data, i) =>
      constant(
        `p${i}`,
        data.map((v) => scale * v),
        [n, steps - skip - (i + 1), d],
      ),
    );
    return cpc(constant('z', z, [n, steps, d]), tensors, { skip });
  };

  it('is the mean over k of the cross-entropy among all targets of k', () => {
    const lossOf = (k: number) => {
      const rows = Array.from({ length: n }, (_, s) =>
        Array.from({ length: steps - skip - k }, (_, t) => [s, t]),
      ).flat();
      const score = ([s, t]: number[], [m, u]: number[]) =>
        Array.from({ length: d }, (_, c) => {
          const own = p[k - 1][(s * (steps - skip - k) + t) * d + c];
          return own * z[(m * steps + u + skip + k) * d + c];
        }).reduce((a, b) => a + b);
      const terms = rows.map((row) => {
        const all = rows.map((other) => Math.exp(score(row, other)));
        return -Math.log(Math.exp(score(row, row)) / all.reduce((a, b) => a + b));
      });
      return terms.reduce((a, b) => a + b) / terms.length;
    };
    const expected = [1, 2, 3].map(lossOf).reduce((a, b) => a + b) / 3;
    const [[loss], [bound]] = values(() => [made(1).loss, made(1).informationBound]);
    expect(loss).toBeCloseTo(expected, 9);
    const logs = cpcCandidates(n, steps, count, { skip }).map(Math.log);
    expect(bound).toBeCloseTo(logs.reduce((a, b) => a + b) / 3 - expected, 6); // log M is a constant in f32
  });

  it('of predictions of nothing is what guessing gives, and bounds no information', () => {
    const [[loss], [bound]] = values(() => [made(0).loss, made(0).informationBound]);
    expect(cpcCandidates(n, steps, count, { skip })).toEqual([12, 9, 6]);
    expect(loss).toBeCloseTo((Math.log(12) + Math.log(9) + Math.log(6)) / 3, 9);
    expect(bound).toBeCloseTo(0, 6);
  });

  it('of the targets themselves falls to 0, the bound rises to log N and no further, and all are found', () => {
    const unit = noise(n * steps * d, 3);
    for (let row = 0; row < n * steps; row++) {
      const own = unit.subarray(row * d, (row + 1) * d);
      const length = Math.hypot(...own);
      for (let c = 0; c < d; c++) own[c] /= length;
    }
    const targets = (first: number) =>
      Float32Array.from(
        Array.from({ length: n }, (_, s) => [...unit.subarray((s * steps + first) * d, (s + 1) * steps * d)]).flat(),
      );
    for (const scale of [1, 10, 1000]) {
      const [[loss], [bound], [accuracy], [last]] = values(() => {
        const predictions = [2, 3, 4].map((first) =>
          constant(
            `p${first}`,
            targets(first).map((v) => scale * v),
            [n, steps - first, d],
          ),
        );
        const { accuracies, ...all } = cpc(constant('z', unit, [n, steps, d]), predictions, { skip });
        return [all.loss, all.informationBound, all.accuracy, accuracies[2]];
      });
      const most = (Math.log(12) + Math.log(9) + Math.log(6)) / 3;
      expect(bound).toBeLessThanOrEqual(most + 1e-6);
      expect(loss).toBeGreaterThanOrEqual(0);
      expect([accuracy, last]).toEqual([1, 1]);
      if (scale === 1000) expect(bound).toBeCloseTo(most, 3);
    }
  });

  it('refuses predictions that are of other steps', () => {
    const wrong = () => trace(() => cpc(constant('z', z, [n, steps, d]), [constant('p', p[1], [n, 3, d])], { skip }));
    expect(wrong).toThrow('[cpc] the predictions of what follows by 2 steps must be [N, T − 2, D]');
  });
});

describe('the head', () => {
  const [n, steps, d] = [2, 7, 3];
  const head = new CpcHead('head', { inputs: d, hidden: 5, predictions: 3, skip: 1, seed: 2 });

  it('names its parameters', () => {
    expect(head.parameters.map(({ tensor }) => `${tensor.name} ${tensor.shape.join('×')}`)).toEqual([
      ...['head.context.weight_ih_l0 15×3', 'head.context.weight_hh_l0 15×5'],
      ...['head.context.bias_ih_l0 15', 'head.context.bias_hh_l0 15'],
      ...[1, 2, 3].map((k) => `head.prediction.${k}.weight 3×5`),
    ]);
  });

  it('makes predictions of a step of nothing but the steps up to its context', () => {
    for (const [k, step] of [
      [1, 0],
      [1, 3],
      [3, 2],
    ]) {
      const { graph, result } = trace(() => {
        const z = constant('z', noise(n * steps * d, 8), [n, steps, d]);
        const predictions = head.predict(z, { training: true });
        expect(predictions.map(({ shape }) => shape)).toEqual([5, 4, 3].map((count) => [n, count, d]));
        const one = slice(predictions[k - 1], 1, step, step + 1);
        return gradients(sum(mul(one, one)), [z])[0];
      });
      interpret(graph)
        .get(result)!
        .forEach((value, i) => {
          if (Math.floor(i / d) % steps > step) expect(value).toBe(0);
          else expect(value).not.toBe(0);
        });
    }
  });

  it('refuses sequences that are too short', () => {
    const short = () => trace(() => head.predict(constant('z', noise(n * 4 * d), [n, 4, d]), { training: true }));
    expect(short).toThrow('[cpc_head] sequences must have more than the 4 steps that are predicted');
  });
});
