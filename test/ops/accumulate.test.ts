import { expect, it } from 'vitest';
import { constant, trace, variable } from '../../src/graph/trace.ts';
import { accumulate } from '../../src/ops/accumulate.ts';
import { type Case, noise, sample, testCases } from './harness.ts';

const at = (position: number) => constant('position', Uint32Array.of(position));

testCases([
  ...[512, 1024, 512 * 131].flatMap((size) =>
    [0, 1, 48].map((position): Case => {
      const total = sample('total', [size]);
      return {
        name: `[${size}] at position ${position}`,
        build() {
          accumulate(total, sample('x', [size]), at(position));
          return {};
        },
        updated: () => ({ total }),
      };
    }),
  ),
  (() => {
    const total = variable('total', [512], () => noise(512).fill(Number.NaN, 0, 5).fill(Number.POSITIVE_INFINITY, 70));
    return {
      name: 'a sum that begins forgets NaN and infinity; further terms are added',
      build() {
        accumulate(total, sample('x', [512]), at(0));
        accumulate(total, sample('y', [512]), at(2));
        return {};
      },
      updated: () => ({ total }),
    } satisfies Case;
  })(),
]);

it('refuses tensors that are not flat or not of one length', () => {
  expect(() => trace(() => accumulate(sample('t', [512]), sample('x', [1024]), at(0)))).toThrow(/^\[accumulate\] /);
  expect(() => trace(() => accumulate(sample('t', [60]), sample('x', [60]), at(0)))).toThrow(/^\[accumulate\] /);
});
