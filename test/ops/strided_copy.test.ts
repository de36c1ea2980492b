import { expect, it } from 'vitest';
import type { Shape, Tensor } from '../../src/graph/tensor.ts';
import { constant, input, trace, variable } from '../../src/graph/trace.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { overlappingPatches, patchify, rot90, stack, unpatchify, upsampleNearest } from '../../src/ops/rearrange.ts';
import { split } from '../../src/ops/split.ts';
import { concat, flip, pad, permute, slice, transpose } from '../../src/ops/strided_copy.ts';
import { interpret } from '../reference/interpreter.ts';
import { type Case, sample, testCases, testGradient } from './harness.ts';

interface Copy {
  readonly shape: Shape;
  readonly copy: (x: Tensor) => Tensor;
}

const copies: Record<string, Copy> = {
  'permute of two axes': { shape: [65, 7], copy: (x) => permute(x, [1, 0]) },
  'permute of six axes': { shape: [2, 3, 2, 5, 3, 2], copy: (x) => permute(x, [5, 3, 1, 4, 2, 0]) },
  'permute of nothing': { shape: [5], copy: (x) => permute(x, [0]) },
  transpose: { shape: [3, 5, 7, 2], copy: (x) => transpose(x, 1, -1) },
  'flip of all axes': { shape: [3, 5, 7], copy: (x) => flip(x, [0, 1, -1]) },
  'flip of one axis': { shape: [3, 67], copy: (x) => flip(x, [1]) },
  'slice from within': { shape: [3, 17, 5], copy: (x) => slice(x, 1, 2, -3) },
  'slice of every third': { shape: [4, 13], copy: (x) => slice(x, -1, 1, undefined, 3) },
  'slice of one row': { shape: [9, 5], copy: (x) => slice(x, 0, 8) },
  'pad of images': {
    shape: [2, 3, 5, 3],
    copy: (x) =>
      pad(x, [
        [0, 0],
        [1, 2],
        [3, 0],
        [0, 1],
      ]),
  },
  'a tensor that is put together from three, one of them twice': {
    shape: [3, 5],
    copy: (x) => concat([x, slice(x, 1, 1, 3), flip(x, [0]), x], 1),
  },
  'concat along the first axis': { shape: [3, 5], copy: (x) => concat([x, slice(x, 0, 2)], 0) },
  'stack along the last axis': { shape: [3, 5], copy: (x) => stack([x, flip(x, [1])], -1) },
  'split, put together the other way round': {
    shape: [3, 9, 2],
    copy: (x) => concat(split(x, [2, 1, 6], 1).toReversed(), 1),
  },
  'split of which one part is used': { shape: [7, 5], copy: (x) => split(x, [3, 4], 0)[1] },
  'rot90, a quarter': { shape: [2, 3, 5, 3], copy: (x) => rot90(x) },
  'rot90, a half': { shape: [2, 3, 5, 3], copy: (x) => rot90(x, 2) },
  'rot90, three quarters': { shape: [2, 3, 5, 3], copy: (x) => rot90(x, 3) },
  'overlapping patches': { shape: [2, 6, 4, 3], copy: (x) => overlappingPatches(x, 2) },
  patchify: { shape: [2, 6, 4, 3], copy: (x) => patchify(x, 2) },
  unpatchify: { shape: [2, 6, 12], copy: (x) => unpatchify(x, 2, 3) },
  'upsampling to the nearest': { shape: [2, 3, 5, 3], copy: (x) => upsampleNearest(x, 3) },
};

const copyCase = (name: string, dtype: 'f32' | 'f16'): Case => ({
  name: `${name} and its gradient, ${dtype}`,
  ...(dtype === 'f16' && { feature: 'shader-f16' }),
  build() {
    const { shape, copy } = copies[name];
    const x = sample('x', shape, { dtype });
    const y = copy(x);
    const [dx] = gradients(y, [x], sample('dy', y.shape, { dtype }));
    return { y, dx };
  },
  // Copies are exact; gradients of what is read several times are sums, in f16 of partial sums that were rounded.
  tolerance: dtype === 'f32' ? 1e-6 : 2 ** -9,
});

const bits = Uint32Array.of(0, 1, 0x7f800001, 0x7fc12345, 0xffffffff, 0x80000000);

testCases([
  ...Object.keys(copies).flatMap((name) => [copyCase(name, 'f32'), copyCase(name, 'f16')]),
  {
    name: 'integers keep bits that are no number as f32',
    build() {
      const x = variable('x', [2, 3], () => bits, 'u32');
      const y = pad(concat([transpose(x, 0, 1), transpose(x, 1, 0)], 1), [
        [1, 0],
        [0, 1],
      ]);
      return { y };
    },
    tolerance: 0,
  },
]);

for (const [name, { shape, copy }] of Object.entries(copies)) {
  testGradient(name, () => {
    const x = sample('x', shape);
    const y = copy(x);
    const dy = sample('dy', y.shape);
    return { y, dy, targets: [x], dx: gradients(y, [x], dy) };
  });
}

/** What a copy makes of 0, 1, 2, … in a shape. */
function copied(shape: Shape, copy: (x: Tensor) => Tensor): { shape: Shape; values: number[] } {
  const size = shape.reduce((a, b) => a * b, 1);
  const { graph, result } = trace(() =>
    copy(
      constant(
        'x',
        Float32Array.from({ length: size }, (_, i) => i),
        shape,
      ),
    ),
  );
  return { shape: result.shape, values: [...interpret(graph).get(result)!] };
}

it('copies put elements where PyTorch puts them', () => {
  const image = [1, 2, 3, 1];
  expect(copied(image, (x) => rot90(x))).toEqual({ shape: [1, 3, 2, 1], values: [2, 5, 1, 4, 0, 3] });
  expect(copied(image, (x) => rot90(x, 2)).values).toEqual([5, 4, 3, 2, 1, 0]);
  expect(copied(image, (x) => rot90(x, -1))).toEqual({ shape: [1, 3, 2, 1], values: [3, 0, 4, 1, 5, 2] });
  expect(copied([2, 3], (x) => flip(x, [1])).values).toEqual([2, 1, 0, 5, 4, 3]);
  expect(copied([7], (x) => slice(x, 0, -6, -1, 2)).values).toEqual([1, 3, 5]);
  expect(copied([2, 2], (x) => stack([x, x], 1))).toEqual({ shape: [2, 2, 2], values: [0, 1, 0, 1, 2, 3, 2, 3] });
  expect(copied([2, 1], (x) => concat([x, x], -1)).values).toEqual([0, 0, 1, 1]);
  expect(copied([1, 2, 4, 1], (x) => patchify(x, 2)).values).toEqual([0, 1, 4, 5, 2, 3, 6, 7]);
  expect(copied([1, 3, 3, 1], (x) => overlappingPatches(x, 1))).toEqual({
    shape: [1, 2, 2, 2, 2, 1],
    values: [...[0, 1, 3, 4], ...[1, 2, 4, 5], ...[3, 4, 6, 7], ...[4, 5, 7, 8]],
  });
  expect(copied([1, 4, 4, 3], (x) => unpatchify(patchify(x, 2), 2)).values).toEqual([...Array(48).keys()]);
  expect(copied([1, 1, 2, 1], (x) => upsampleNearest(x, 2)).values).toEqual([0, 0, 1, 1, 0, 0, 1, 1]);
});

const refused = (build: () => Tensor) => expect(() => trace(build));

it('copies refuse what is not there', () => {
  const x = input('x', [4, 6], 'f32');
  expect(rot90(x, -4, [0, 1])).toBe(x);
  refused(() => permute(x, [0, 0])).toThrow('[permute] [0,0] must have each axis of the input once; got x f32[4, 6]');
  refused(() => transpose(x, 0, 2)).toThrow('[transpose] there is no axis 2');
  refused(() => slice(x, 0, 3, 3)).toThrow('[slice] no range 3:3:1 in axis 0');
  refused(() => slice(x, 1, 0, 7)).toThrow('[slice] no range 0:7:1 in axis 1');
  refused(() => slice(x, 1, 0, 6, -1)).toThrow('[slice] no range 0:6:-1 in axis 1');
  refused(() => pad(x, [[1, 1]])).toThrow('[pad] expected two counts for each axis');
  refused(() => concat([x, input('y', [3, 6], 'f32')], 1)).toThrow(
    '[concat] all sizes but those of axis 1 must be equal',
  );
  refused(() => concat([x, input('y', [4, 6], 'f16')], 1)).toThrow('[concat] all inputs must have one type');
  refused(() => concat([], 0)).toThrow('[concat] expected one tensor at least');
  refused(() => split(x, [2, 3], 1)[0]).toThrow(
    '[split] sizes [2,3] must add up to axis 1 of the input; got x f32[4, 6]',
  );
  refused(() => stack([x, input('y', [4], 'f32')])).toThrow('[stack] all inputs must have one shape');
  refused(() => rot90(x, 0.5, [0, 1])).toThrow('[rot90] expected whole quarters');
  refused(() => patchify(input('i', [1, 4, 5, 3], 'f32'), 2)).toThrow('[patchify] the input must be [N, H, W, C]');
  refused(() => overlappingPatches(input('i', [1, 4, 5, 3], 'f32'), 2)).toThrow(
    'with sides of twice 2 pixels, or more times',
  );
  refused(() => overlappingPatches(input('i', [1, 4, 2, 3], 'f32'), 2)).toThrow(
    'with sides of twice 2 pixels, or more times',
  );
  refused(() => unpatchify(input('p', [1, 5, 12], 'f32'), 2)).toThrow('[unpatchify] the input must be [N, L, 2·2·C]');
  refused(() => upsampleNearest(input('i', [1, 4, 5, 3], 'f32'), 0)).toThrow('[upsample_nearest] the input must be');
  const wide = input('w', [2, 3, 2, 3, 2, 3, 2], 'f32');
  const { result } = trace(() => permute(wide, [6, 5, 4, 3, 2, 1, 0]));
  expect(() => result.node!.op.launches({ ...result.node!, inPlace: false } as never)).toThrow('at most 6 axes');
});
