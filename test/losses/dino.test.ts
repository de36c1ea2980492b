import { expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace, variable } from '../../src/graph/trace.ts';
import { dinoLoss, updateCenter } from '../../src/losses/dino.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, noise, sample, testCases, testGradient } from '../ops/harness.ts';
import { interpret, type Values } from '../reference/interpreter.ts';

const temperatures = { studentTemperature: 0.1, teacherTemperature: 0.04 };

testCases(
  [
    [2, 3, 5],
    [5, 2, 70],
  ].map(
    ([views, images, columns]): Case => ({
      name: `loss, entropy and gradient of ${views} crops of ${images} images, ${columns} outputs, and the centre after it`,
      build() {
        const student = sample('student', [views * images, columns]);
        const teacher = sample('teacher', [2 * images, columns]);
        const center = sample('center', [columns], { scale: 0.3 });
        const { loss, entropy, targets } = dinoLoss({ student, teacher, center, ...temperatures });
        const [dstudent] = gradients(loss, [student]);
        updateCenter(center, teacher, 0.9);
        return { loss, entropy, targets, dstudent };
      },
      // exp of numbers of 1/τt and log K of them, in f32.
      tolerance: 3e-5,
    }),
  ),
);

const balanced = (rows: number, columns: number) =>
  dinoLoss({
    ...{ student: sample('student', [rows, columns]), teacher: sample('teacher', [rows, columns], { scale: 0.3 }) },
    ...{ center: 'sinkhorn', studentTemperature: 0.1, teacherTemperature: constant('τt', Float32Array.of(1 / 16)) },
  });

testCases(
  [
    [4, 5],
    [20, 70],
  ].map(
    ([rows, columns]): Case => ({
      name: `with Sinkhorn’s codes: loss, entropy and targets of ${rows} global crops, ${columns} outputs`,
      build: () => ({ ...balanced(rows, columns) }),
      tolerance: 3e-5,
    }),
  ),
);

testGradient('DINO', () => {
  const student = sample('student', [8, 3], { scale: 0.3 });
  const teacher = sample('teacher', [4, 3], { scale: 0.1 });
  const y = dinoLoss({ student, teacher, center: sample('center', [3]), ...temperatures }).loss;
  const dy = sample('dy', [1], { offset: 2 });
  return { y, dy, targets: [student], dx: gradients(y, [student], dy) };
});

const K = 6;
const rows = (name: string, values: Float32Array) => constant(name, values, [values.length / K, K]);
const valuesOf = <R extends Record<string, Tensor>>(build: () => R): Record<keyof R, Values> => {
  const { graph, result } = trace(build);
  const values = interpret(graph);
  return Object.fromEntries(Object.entries(result).map(([name, tensor]) => [name, values.get(tensor)!])) as never;
};

/** Loss and entropy of 3 crops of 2 images, of outputs that f32 has exactly. */
const coarse = (size: number, seed: number) => noise(size, seed).map((value) => Math.round(value * 64) / 64);
const lossOf = (shift: (k: number) => number, teacher = coarse(4 * K, 2), student = coarse(6 * K, 1)) =>
  valuesOf(() => {
    const shifted = teacher.map((value, i) => value + shift(i % K));
    const center = constant(
      'center',
      Float32Array.from({ length: K }, (_, k) => 0.25 + shift(k)),
    );
    return { ...dinoLoss({ student: rows('s', student), teacher: rows('t', shifted), center, ...temperatures }) };
  });

it('a vector added to the teacher’s outputs and to the centre changes nothing', () => {
  const [one, other] = [lossOf(() => 0), lossOf((k) => k / 4 - 1)];
  for (const name of ['loss', 'entropy', 'targets'] as const)
    one[name].forEach((value, i) => expect(other[name][i]).toBeCloseTo(value, 12));
});

it('of a teacher that says the same of all outputs is log K in loss and entropy, of a sure one the entropy is 0', () => {
  const uniform = lossOf(() => 0, new Float32Array(4 * K), new Float32Array(6 * K));
  expect(uniform.loss[0]).toBeCloseTo(Math.log(K), 10);
  expect(uniform.entropy[0]).toBeCloseTo(Math.log(K), 10);
  const sure = new Float32Array(4 * K).map((_, i) => (i % K === 2 ? 20 : 0));
  expect(lossOf(() => 0, sure).entropy[0]).toBeCloseTo(0, 10);
  expect(lossOf(() => 0, sure, new Float32Array(6 * K)).loss[0]).toBeCloseTo(Math.log(K), 10);
});

it('loss − entropy is a divergence: 0 where predictions are the targets, above 0 elsewhere', () => {
  const teacher = Float32Array.from({ length: 4 * K }, (_, i) => (i % K) / 16);
  const student = Float32Array.from({ length: 6 * K }, (_, i) => ((i % K) / 16) * 2.5);
  // Student and teacher are sharpened to the same: 1/0.1 of 2.5 t, 1/0.04 of t. The centre moves all outputs alike.
  const same = lossOf(() => 0, teacher, student);
  expect(same.loss[0]).toBeCloseTo(same.entropy[0], 6);
  const other = lossOf(() => 0);
  expect(other.loss[0]).toBeGreaterThan(other.entropy[0] + 0.1);
});

it('Sinkhorn’s codes sum to one in rows and to about an equal share in columns; their entropy is told', () => {
  const [rows, columns] = [24, K];
  const { graph, result } = trace(() => balanced(rows, columns));
  const values = interpret(graph);
  const q = values.get(result.targets)!;
  const totals = (key: (i: number) => number, count: number) =>
    Array.from({ length: count }, (_, n) => q.reduce((sum, value, i) => sum + (key(i) === n ? value : 0), 0));
  for (const total of totals((i) => Math.floor(i / columns), rows)) expect(total).toBeCloseTo(1, 10);
  // Three rounds, the last of which ends with rows.
  for (const total of totals((i) => i % columns, columns))
    expect(Math.abs(total / (rows / columns) - 1)).toBeLessThan(0.3);
  const entropy = -q.reduce((sum, value) => sum + value * Math.log(value), 0) / rows;
  expect(values.get(result.entropy)![0]).toBeCloseTo(entropy, 10);
});

it('neither the teacher’s outputs nor the centre get a gradient', () => {
  const [student, teacher] = [sample('student', [4, K]), sample('teacher', [4, K])];
  const center = sample('center', [K]);
  const gradientOf = (tensor: Tensor) => () =>
    gradients(dinoLoss({ student, teacher, center, ...temperatures }).loss, [tensor]);
  expect(() => trace(gradientOf(student))).not.toThrow();
  expect(() => trace(gradientOf(teacher))).toThrow('the loss does not depend on');
});

it('the loss takes the centre as it was; the update leaves it alone where no step was made', () => {
  const teacher = coarse(4 * K, 2);
  const at = (order: 'before' | 'behind' | 'not made') => {
    const center = variable('center', [K], () => new Float32Array(K));
    const { graph, result } = trace(() => {
      const t = rows('t', teacher);
      const made = order === 'not made' ? constant('made', Uint32Array.of(0)) : undefined;
      if (order !== 'behind') updateCenter(center, t, 0.5, made);
      const { loss } = dinoLoss({ student: rows('s', coarse(4 * K, 1)), teacher: t, center, ...temperatures });
      if (order === 'behind') updateCenter(center, t, 0.5);
      return loss;
    });
    const values = interpret(graph);
    return { loss: values.get(result)![0], center: values.get(center)! };
  };
  const [before, behind, left] = [at('before'), at('behind'), at('not made')];
  expect(behind.loss).toBe(left.loss);
  expect(before.loss).not.toBeCloseTo(behind.loss, 3);
  expect([...left.center]).toEqual(new Array(K).fill(0));
  behind.center.forEach((value, k) => {
    const mean = [0, 1, 2, 3].reduce((sum, row) => sum + teacher[row * K + k] / 4, 0);
    expect(value).toBeCloseTo(mean / 2, 10);
  });
});
