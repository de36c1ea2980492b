import { expect, it } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { crossEntropy } from '../../src/ops/cross_entropy.ts';
import { crossEntropyRows } from '../../src/ops/cross_entropy_rows.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { mean } from '../../src/ops/reduce.ts';
import { interpret } from '../reference/interpreter.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

const labelsOf = (rows: number, columns: number) =>
  constant(
    'labels',
    Uint32Array.from({ length: rows }, (_, i) => (i * 7 + 3) % columns),
  );

const rowsCase = (rows: number, columns: number, scale = 1): Case => ({
  name: `cross_entropy_rows [${rows}, ${columns}] of logits up to ${scale}`,
  build() {
    const logits = sample('logits', [rows, columns], { scale });
    const { losses, right } = crossEntropyRows(logits, labelsOf(rows, columns));
    const [dlogits] = gradients(losses, [logits], sample('dlosses', [rows]));
    return { losses, right, dlogits };
  },
});

testCases([rowsCase(1, 2), rowsCase(7, 3, 5), rowsCase(65, 10), rowsCase(3, 1031), rowsCase(131, 259, 20)]);

testGradient('cross_entropy_rows', () => {
  const logits = sample('logits', [5, 4], { scale: 2 });
  const { losses } = crossEntropyRows(logits, labelsOf(5, 4));
  const dy = sample('dlosses', [5]);
  return { y: losses, dy, targets: [logits], dx: gradients(losses, [logits], dy) };
});

it('its means are the loss and the accuracy of cross_entropy', () => {
  const { graph, result } = trace(() => {
    const [logits, labels] = [sample('logits', [9, 4], { scale: 3 }), labelsOf(9, 4)];
    const { losses, right } = crossEntropyRows(logits, labels);
    const { loss, accuracy } = crossEntropy(logits, labels);
    return { rows: [mean(losses), mean(right)], means: [loss, accuracy] };
  });
  const values = interpret(graph);
  result.rows.forEach((row, i) => expect(values.get(row)![0]).toBeCloseTo(values.get(result.means[i])![0], 12));
});

it('cross_entropy_rows wants one integer label for each row', () => {
  expect(() => trace(() => crossEntropyRows(sample('logits', [3, 4]), labelsOf(2, 4)))).toThrow(
    '[cross_entropy_rows] labels must be one',
  );
});
