/** The loss of tokens that are to be filled in: of those alone. */
import { describe, expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { maskedTokenLoss } from '../../src/losses/masked_tokens.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { noise, sample, testCases } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

describe('the loss', () => {
  const V = 7;
  const tokens = Uint32Array.of(3, 0, 6, 2);
  const traced = (logits: Float32Array, weights: readonly number[]) => {
    const { graph, result } = trace(() => {
      const x = constant('logits', logits, [4, V]);
      const { loss, accuracy } = maskedTokenLoss(
        x,
        constant('tokens', tokens),
        constant('weights', Float32Array.from(weights)),
      );
      return { loss, accuracy, dx: gradients(loss, [x])[0] };
    });
    const values = interpret(graph);
    return {
      ...result,
      loss: values.get(result.loss)![0],
      accuracy: values.get(result.accuracy)![0],
      dx: values.get(result.dx)!,
    };
  };

  it('is log V of logits that are all alike, whatever the weights', () => {
    for (const weights of [
      [1, 1, 1, 1],
      [0, 1, 0, 1],
    ])
      expect(traced(new Float32Array(4 * V), weights).loss).toBeCloseTo(Math.log(V), 6);
  });

  it('is the mean over chosen tokens, and the others have no gradient', () => {
    const logits = noise(4 * V, 3);
    const own = (row: number) => {
      const x = Array.from(logits.slice(row * V, (row + 1) * V));
      return Math.log(x.reduce((sum, value) => sum + Math.exp(value), 0)) - x[tokens[row]];
    };
    const { loss, dx } = traced(logits, [1, 0, 1, 0]);
    expect(loss).toBeCloseTo((own(0) + own(2)) / 2, 6);
    for (const [row, weight] of [1, 0, 1, 0].entries())
      expect(dx.slice(row * V, (row + 1) * V).some((value) => value !== 0)).toBe(weight === 1);
  });

  it('and the accuracy are of chosen tokens alone, and 0 where none is', () => {
    const sure = new Float32Array(4 * V);
    tokens.forEach((token, row) => (sure[row * V + (row === 1 ? token + 1 : token)] = 20));
    expect(traced(sure, [1, 0, 1, 1])).toMatchObject({ accuracy: 1 });
    expect(traced(sure, [1, 1, 0, 0])).toMatchObject({ accuracy: 0.5 });
    const none = traced(noise(4 * V, 3), [0, 0, 0, 0]);
    expect([none.loss, none.accuracy]).toEqual([0, 0]);
    expect(none.dx.every((value) => value === 0)).toBe(true);
  });

  testCases([
    {
      name: 'masked tokens and their gradient',
      build() {
        const logits = sample('logits', [4, V], { scale: 2 });
        const weights = constant('weights', Float32Array.of(1, 0, 1, 1));
        const { loss, accuracy } = maskedTokenLoss(logits, constant('tokens', tokens), weights);
        return { loss, accuracy, dlogits: gradients(loss, [logits])[0] };
      },
    },
  ]);
});
