import { expect, it } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { stepMade, type UpdateDecision } from '../../src/ops/step_made.ts';
import { interpret } from '../reference/interpreter.ts';
import { onEveryAdapter, sample } from './harness.ts';

/** The first bad step of an update, and the scalerStep of one in f16: the reciprocal of the scale, or 0. */
type Update = readonly [firstNonFinite: number, scalerStep?: number];

const decision = ([firstNonFinite, scalerStep]: Update): UpdateDecision => ({
  firstNonFinite: constant('first bad', Uint32Array.of(firstNonFinite)),
  scalerStep: scalerStep === undefined ? undefined : constant('scalerStep', Float32Array.of(scalerStep, scalerStep)),
});

const cases: [string, Update[], number][] = [
  ['no update', [], 1],
  ['an update', [[0]], 1],
  ['a step that was bad', [[1]], 0],
  ['one long ago', [[99_999_999]], 0],
  ['an no scaler', [[0, 1]], 1],
  ['the scalerStep of a large scale', [[0, 2 ** -24]], 1],
  ['a closed scalerStep', [[0, 0]], 0],
  ['an no scaler and a bad step', [[7, 1]], 0],
  ['two updates', [[0], [0, 2 ** -16]], 1],
  ['two updates, the first left out', [[3], [0]], 0],
  ['two updates, the second left out', [[0], [3]], 0],
  [
    'three updates, one skipped',
    [
      [0, 1],
      [0, 0],
      [0, 1],
    ],
    0,
  ],
];

onEveryAdapter((gpu) => {
  it.each(cases)('%s', async (_name, updates, expected) => {
    const { graph, result: made } = trace(() => stepMade(updates.map(decision)));
    const state = new State(gpu());
    const program = await Program.compile(graph, state, { made }, { inspect: true });
    expect(Array.from((await program.run().read()).made)).toEqual([expected]);
    if (updates.length > 0) expect(Array.from(interpret(graph).get(made)!)).toEqual([expected]);
    expect(await program.damagedGuards()).toEqual([]);
    program.destroy();
    state.destroy();
  });
});

it.each([
  ['a first bad step in floating point', { firstNonFinite: sample('first bad', [1]) }],
  ['two first bad steps', { firstNonFinite: constant('first bad', new Uint32Array(2)) }],
  ['a scalerStep of whole numbers', { ...decision([0]), scalerStep: constant('scalerStep', new Uint32Array(2)) }],
  ['a scalerStep of one number', { ...decision([0]), scalerStep: sample('scalerStep', [1]) }],
])('refuses %s', (_name, update) => {
  expect(() => trace(() => stepMade([update]))).toThrow(/^\[step_made\] /);
});
