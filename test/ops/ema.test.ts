import { expect, it } from 'vitest';
import type { Shape, Tensor } from '../../src/graph/tensor.ts';
import { constant, flatVariable, trace, variable } from '../../src/graph/trace.ts';
import { ema } from '../../src/ops/ema.ts';
import { f16Copy } from '../../src/ops/f16_copy.ts';
import { interpret } from '../reference/interpreter.ts';
import { type Case, noise, testCases } from './harness.ts';

const shapes: readonly Shape[] = [[1], [7, 9], [513], [2, 3, 4]];
const size = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

/** Variables in a flat one with values by formula, and others around them. */
function weights(name: string, seed: number, around: readonly Shape[] = []): Tensor[] {
  const members = [...around, ...shapes, ...around].map((shape, i) =>
    variable(`${name}${i}`, shape, () => noise(size(shape), seed + i)),
  );
  flatVariable(name, members);
  return members.slice(around.length, around.length + shapes.length);
}

function followed({ rate = 0.25, made = 1, half = false }) {
  const [target, source] = [weights('target', 1), weights('source', 50, [[600]])];
  const { parent } = target[0].flat!;
  const copy = half ? f16Copy(parent) : undefined;
  const build = () => {
    const flags = { rate: constant('rate', Float32Array.of(rate)), made: constant('made', Uint32Array.of(made)) };
    ema(target, source, flags);
    return {};
  };
  return { build, updated: () => ({ target: parent, ...(copy && { copy }) }), target, source };
}

testCases([
  ...[0, 0.01, 0.25, 1].map((rate): Case => {
    const { build, updated } = followed({ rate });
    return { name: `follows a range of another flat variable, rate ${rate}`, build, updated, tolerance: 1e-6 };
  }),
  { name: 'changes nothing where made is 0', ...followed({ made: 0 }), tolerance: 0 },
  { name: 'writes the copy of f16 with it', ...followed({ half: true }), feature: 'shader-f16', tolerance: 1e-6 },
]);

it('a momentum of 0 makes it the source, a momentum of 1 leaves it, to the last bit', () => {
  for (const rate of [0, 1]) {
    const { build, target, source } = followed({ rate });
    const values = interpret(trace(build).graph);
    const expected = rate === 1 ? source : target;
    for (const [i, tensor] of target.entries()) {
      const first = expected[i].origin.kind === 'variable' && expected[i].origin.init!();
      expect([...values.get(tensor)!]).toEqual([...(first as Float32Array)]);
    }
  }
});

it('refuses weights of another layout, and such as lie in no flat variable', () => {
  const rate = constant('rate', Float32Array.of(1));
  const record = (targets: readonly Tensor[], sources: readonly Tensor[]) => () =>
    trace(() => ema(targets, sources, { rate }));
  const [target, source] = [weights('t', 1), weights('s', 2)];
  expect(record(target, source.toReversed())).toThrow('laid out like');
  expect(record(target.slice(1), source.slice(1))).toThrow('laid out like');
  expect(record(target, [variable('alone', [1])])).toThrow('one flat variable');
});
