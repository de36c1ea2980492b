import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import type { Center } from '../../src/losses/dino.ts';
import { ibotLoss } from '../../src/losses/ibot.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, noise, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

const temperatures = { studentTemperature: 0.1, teacherTemperature: 0.04 };
const centers = ['mean', 'sinkhorn'] as const;
const centerOf = (kind: (typeof centers)[number], columns: number): Center =>
  kind === 'mean' ? sample('center', [columns], { scale: 0.3 }) : 'sinkhorn';

testCases(
  centers.flatMap((kind) =>
    [
      [3, 5],
      [20, 70],
    ].map(
      ([rows, columns]): Case => ({
        name: `loss, entropy and gradient of ${rows} patches, ${columns} outputs, ${kind}`,
        build() {
          const student = sample('student', [rows, columns]);
          const teacher = sample('teacher', [rows, columns], { scale: 0.3 });
          const { loss, entropy, targets } = ibotLoss({
            ...{ student, teacher, center: centerOf(kind, columns), ...temperatures },
          });
          return { loss, entropy, targets, dstudent: gradients(loss, [student])[0] };
        },
        // exp of numbers of 1/τt and log K of them, in f32.
        tolerance: 3e-5,
      }),
    ),
  ),
);

for (const kind of centers)
  testGradient(`iBOT, ${kind}`, () => {
    const student = sample('student', [6, 3], { scale: 0.3 });
    const teacher = sample('teacher', [6, 3], { scale: 0.1 });
    const y = ibotLoss({ student, teacher, center: centerOf(kind, 3), ...temperatures }).loss;
    const dy = sample('dy', [1], { offset: 2 });
    return { y, dy, targets: [student], dx: gradients(y, [student], dy) };
  });

const [M, K] = [4, 5];
const valuesOf = (student: Float32Array, teacher: Float32Array, center: Float32Array) => {
  const { graph, result } = trace(() => {
    const rows = (name: string, values: Float32Array): Tensor => constant(name, values, [M, K]);
    const options = { student: rows('s', student), teacher: rows('t', teacher), center: constant('c', center, [K]) };
    return { ...ibotLoss({ ...options, ...temperatures }) };
  });
  const all = interpret(graph);
  return { loss: all.get(result.loss)![0], entropy: all.get(result.entropy)![0] };
};

it('is the mean cross-entropy of softmax((t − c)/τt) and softmax(s/τs), row by row', () => {
  const [student, teacher, center] = [noise(M * K, 1), noise(M * K, 2), noise(K, 3)];
  const softmax = (values: readonly number[]) => {
    const exps = values.map(Math.exp);
    const sum = exps.reduce((a, b) => a + b);
    return exps.map((value) => value / sum);
  };
  let expected = 0;
  for (let m = 0; m < M; m++) {
    const row = (values: Float32Array) => [...values.slice(m * K, (m + 1) * K)];
    const q = softmax(row(teacher).map((value, k) => (value - center[k]) / 0.04));
    const p = softmax(row(student).map((value) => value / 0.1));
    expected -= q.reduce((sum, value, k) => sum + value * Math.log(p[k]), 0) / M;
  }
  expect(valuesOf(student, teacher, center).loss).toBeCloseTo(expected, 5);
});

it('of outputs that say nothing is log K', () => {
  const nothing = valuesOf(new Float32Array(M * K), new Float32Array(M * K), new Float32Array(K));
  expect(nothing.loss).toBeCloseTo(Math.log(K), 10);
  expect(nothing.entropy).toBeCloseTo(Math.log(K), 10);
});

it('neither the teacher’s outputs nor the centre get a gradient, and student and teacher must have outputs of the same patches', () => {
  const center = sample('center', [K]);
  const of = (student: Tensor, teacher: Tensor) => ibotLoss({ student, teacher, center, ...temperatures }).loss;
  const [student, teacher] = [sample('student', [M, K]), sample('teacher', [M, K])];
  for (const fixed of [teacher, center])
    expect(() => trace(() => gradients(of(student, teacher), [fixed]))).toThrow('the loss does not depend on');
  expect(() => trace(() => of(student, sample('others', [M + 1, K])))).toThrow(
    '[ibot] student and teacher must have outputs of the same patches',
  );
});
