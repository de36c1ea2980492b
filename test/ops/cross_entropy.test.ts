import { expect, it } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { crossEntropy } from '../../src/ops/cross_entropy.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, onEveryAdapter, sample, testCases, testGradient } from './harness.ts';

const classes = (rows: number, columns: number) => Int32Array.from({ length: rows }, (_, i) => (i * 7 + 3) % columns);

const lossCase = (rows: number, columns: number, scale = 1, dtype: 'i32' | 'u32' = 'i32'): Case => ({
  name: `cross_entropy [${rows}, ${columns}] of logits up to ${scale}, labels ${dtype}`,
  build() {
    const logits = sample('logits', [rows, columns], { scale });
    const labels = classes(rows, columns);
    const { loss, accuracy, lse } = crossEntropy(
      logits,
      constant('labels', dtype === 'i32' ? labels : Uint32Array.from(labels)),
    );
    const [dlogits] = gradients(loss, [logits], sample('dloss', [1], { offset: 2 }));
    return { loss, accuracy, lse, dlogits };
  },
});

testCases([
  lossCase(1, 2),
  lossCase(7, 3, 5),
  lossCase(64, 10),
  lossCase(65, 10, 1, 'u32'),
  lossCase(129, 101, 20),
  lossCase(3, 1031),
  lossCase(2003, 10, 3),
  {
    ...lossCase(9, 10, 1000),
    name: 'cross_entropy of logits whose exponentials overflow',
    tolerance: 1000 * 2 ** -24, // lse is rounded to half a unit in its last place, an absolute error that exp makes a relative one
  },
  {
    name: 'of equal logits the first is the answer',
    build() {
      const logits = constant('logits', new Float32Array(3 * 4).fill(2), [3, 4]);
      const { loss, accuracy } = crossEntropy(logits, constant('labels', Int32Array.of(0, 1, 0)));
      return { loss, accuracy };
    },
  },
]);

testGradient('cross_entropy', () => {
  const logits = sample('logits', [5, 4], { scale: 2 });
  const { loss } = crossEntropy(logits, constant('labels', classes(5, 4)));
  const dy = sample('dloss', [1], { offset: 2 });
  return { y: loss, dy, targets: [logits], dx: gradients(loss, [logits], dy) };
});

onEveryAdapter((gpu) => {
  it('one class: nothing to lose; a label outside the classes: NaN', async () => {
    for (const [columns, label, expected] of [
      [1, 0, 0],
      [10, 10, Number.NaN],
      [10, -1, Number.NaN],
    ]) {
      const { graph, result } = trace(() => {
        const { loss } = crossEntropy(sample('logits', [1, columns]), constant('labels', Int32Array.of(label)));
        return { loss };
      });
      const state = new State(gpu());
      const program = await Program.compile(graph, state, result);
      expect((await program.run().read())['loss'][0]).toBe(expected);
      program.destroy();
      state.destroy();
    }
  });
});

it('cross_entropy wants one integer label for each row', () => {
  const logits = sample('logits', [3, 4]);
  expect(() => trace(() => crossEntropy(logits, sample('labels', [3])))).toThrow('[cross_entropy] labels must be one');
  expect(() => trace(() => crossEntropy(logits, constant('labels', Int32Array.of(1, 2))))).toThrow(
    'labels must be one',
  );
});
