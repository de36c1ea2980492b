/** Ops on rows, batched products and maps, each of them in f32 and f16, in one part and in several. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { input } from '../../src/graph/trace.ts';
import { argmaxRows } from '../../src/ops/argmax_rows.ts';
import { scaledDotProductAttention } from '../../src/ops/attention.ts';
import { bmm } from '../../src/ops/bmm.ts';
import { convTranspose2d } from '../../src/ops/conv_transpose2d.ts';
import { dropout } from '../../src/ops/dropout.ts';
import { gatherRows } from '../../src/ops/gather_rows.ts';
import { gaussianNoise } from '../../src/ops/gaussian_noise.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { interpolate } from '../../src/ops/interpolate.ts';
import { layerNorm } from '../../src/ops/layer_norm.ts';
import { rankRows } from '../../src/ops/rank_rows.ts';
import { logSoftmax, softmax } from '../../src/ops/softmax.ts';
import { f32, type Traced, traced } from '../programs.ts';

type DType = 'f32' | 'f16';

/** Outputs of `build`: what it makes, with the gradients at its targets. */
const program = (dtype: DType, build: (of: Of) => readonly (readonly [Tensor, readonly Tensor[]])[]): Traced =>
  traced(() => {
    const outputs = build((name, ...shape) => input(name, shape, dtype)).flatMap(([y, targets], i) =>
      targets.length > 0 ? [y, ...gradients(y, targets, input(`dy${i}`, y.shape, y.dtype))] : [y],
    );
    return Object.fromEntries(outputs.map((tensor, i) => [`out${i}`, tensor]));
  });
type Of = (name: string, ...shape: number[]) => Tensor;

const rows = (dtype: DType, columns: number) =>
  program(dtype, (of) => {
    const x = of('x', 70, columns);
    const [weight, bias] = [f32('weight', columns), f32('bias', columns)];
    return [
      [softmax(x), [x]],
      [logSoftmax(x), [x]],
      [layerNorm(x, { weight, bias }), [x, weight, bias]],
      [dropout(x, { p: 0.5, seeds: input('seeds', [3], 'u32') }), [x]],
      [gaussianNoise(input('seeds of noise', [1], 'u32'), [70, columns]), []],
      [gatherRows(x, input('indices', [9], 'u32')), [x]],
      [argmaxRows(x), []],
    ];
  });

const products = (dtype: DType, columns: number) =>
  program(dtype, (of) =>
    [false, true].flatMap((transposeA) =>
      [false, true].map((transposeB, i) => {
        const name = `${Number(transposeA)}${i}`;
        const a = of(`a${name}`, 3, ...(transposeA ? [8, columns] : [columns, 8]));
        const b = of(`b${name}`, 3, ...(transposeB ? [columns, 8] : [8, columns]));
        return [bmm(a, b, { transposeA, transposeB }), [a, b]] as const;
      }),
    ),
  );

const attention = (dtype: DType) =>
  program(dtype, (of) =>
    [false, true].map((causal) => {
      const [q, k, v] = ['q', 'k', 'v'].map((name) => of(`${name} ${causal}`, 3, 9, 8));
      return [scaledDotProductAttention(q, k, v, { causal }), [q, k, v]] as const;
    }),
  );

const maps = (dtype: DType) =>
  program(dtype, (of) => {
    const [x, w] = [of('x', 2, 5, 4, 3), of('w', 3, 4, 4, 7)];
    return [
      [interpolate(x, [7, 9]), [x]],
      [convTranspose2d(x, w, { stride: 2, padding: 1 }), [x, w]],
    ];
  });

const ranks = () =>
  traced(() => ({ noise: rankRows(f32('noise', 3, 49)), keys: rankRows(input('keys', [3, 49], 'u32')) }));

export default {
  'family rows': () => rows('f32', 33),
  'family rows in parts': () => rows('f32', 200),
  'family rows of f16': () => rows('f16', 33),
  'family rows of f16 in parts': () => rows('f16', 200),
  'family ranks of rows': ranks,
  'family batched products': () => products('f32', 12),
  'family batched products, odd': () => products('f32', 13),
  'family batched products of f16': () => products('f16', 12),
  'family batched products of f16, odd': () => products('f16', 13),
  'family attention': () => attention('f32'),
  'family attention of f16': () => attention('f16'),
  'family maps': () => maps('f32'),
  'family maps of f16': () => maps('f16'),
};
