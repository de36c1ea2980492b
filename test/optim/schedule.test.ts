import { expect, it } from 'vitest';
import { schedules } from '../../src/optim/schedule.ts';

const { constant, cosine, linear, step: inSteps } = schedules;

const options = { base: 0.4, total: 100, warmup: 10 };

it('warm-up rises linearly and reaches the base at its last step', () => {
  for (const schedule of [constant, cosine, linear, inSteps]) {
    for (const step of [1, 3, 10]) expect(schedule(step, options)).toBeCloseTo((0.4 * step) / 10, 15);
    expect(schedule(11, options)).toBe(0.4);
  }
});

it('constant stays at the base', () => {
  expect([1, 50, 100].map((step) => constant(step, { base: 0.4, total: 100 }))).toEqual([0.4, 0.4, 0.4]);
});

it('cosine halves the base midway and is never 0 before the end', () => {
  expect(cosine(1, { base: 0.4, total: 100 })).toBe(0.4);
  expect(cosine(51, { base: 0.4, total: 100 })).toBeCloseTo(0.2, 15);
  expect(cosine(56, options)).toBeCloseTo(0.2, 15);
  expect(cosine(100, options)).toBeGreaterThan(0);
  expect(cosine(101, options)).toBeCloseTo(0, 15);
  for (let step = 12; step <= 101; step++) expect(cosine(step, options)).toBeLessThan(cosine(step - 1, options));
});

it('linear falls by the same amount each step, to 0 after the last', () => {
  expect(linear(1, { base: 0.4, total: 100 })).toBe(0.4);
  expect(linear(51, { base: 0.4, total: 100 })).toBeCloseTo(0.2, 15);
  expect(linear(101, options)).toBeCloseTo(0, 15);
});

it('steps are a tenth at each milestone of the whole run', () => {
  const at = (step: number) => inSteps(step, { base: 3, total: 200, milestones: [0.6, 0.8] });
  expect([1, 120, 121, 160, 161, 200].map((step) => Number(at(step).toPrecision(12)))).toEqual([
    3, 3, 0.3, 0.3, 0.03, 0.03,
  ]);
});
