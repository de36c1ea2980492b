import { expect, it } from 'vitest';
import { constant, trace, variable } from '../../src/graph/trace.ts';
import { addInPlace } from '../../src/ops/add_inplace.ts';
import { type Case, noise, sample, testCases } from './harness.ts';

const at = (position: number) => constant('position', Uint32Array.of(position));

testCases([
  ...[512, 1024, 512 * 131].flatMap((size) =>
    [0, 1, 48].map((position): Case => {
      const total = sample('total', [size]);
      return {
        name: `[${size}] at position ${position}`,
        build() {
          addInPlace(total, sample('x', [size]), at(position));
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
        addInPlace(total, sample('x', [512]), at(0));
        addInPlace(total, sample('y', [512]), at(2));
        return {};
      },
      updated: () => ({ total }),
    } satisfies Case;
  })(),
]);

it('refuses tensors that are not flat or not of one length', () => {
  expect(() => trace(() => addInPlace(sample('t', [512]), sample('x', [1024]), at(0)))).toThrow(/^\[add_inplace\] /);
  expect(() => trace(() => addInPlace(sample('t', [60]), sample('x', [60]), at(0)))).toThrow(/^\[add_inplace\] /);
});
