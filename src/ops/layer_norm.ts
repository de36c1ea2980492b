import backward from '../../kernels/layer_norm/backward.wgsl';
import backwardAffine from '../../kernels/layer_norm/backward_affine.wgsl';
import backwardAffineF16 from '../../kernels/layer_norm/backward_affine_f16.wgsl';
import backwardF16 from '../../kernels/layer_norm/backward_f16.wgsl';
import backwardSums from '../../kernels/layer_norm/backward_sums.wgsl';
import backwardSumsF16 from '../../kernels/layer_norm/backward_sums_f16.wgsl';
import forward from '../../kernels/layer_norm/forward.wgsl';
import forwardF16 from '../../kernels/layer_norm/forward_f16.wgsl';
import merge from '../../kernels/layer_norm/merge.wgsl';
import statistics from '../../kernels/layer_norm/statistics.wgsl';
import statisticsF16 from '../../kernels/layer_norm/statistics_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { sumLaunches } from './reduce.ts';
import { checkRows, type RowParts, rowParts, sumOfParts } from './row_parts.ts';

const kernels = {
  f32: { statistics, forward, backwardSums, backward, backwardAffine },
  f16: {
    statistics: statisticsF16,
    forward: forwardF16,
    backwardSums: backwardSumsF16,
    backward: backwardF16,
    backwardAffine: backwardAffineF16,
  },
};
const kernelsOf = ({ dtype }: Tensor) => kernels[dtype === 'f16' ? 'f16' : 'f32'];

/**
 * y = x̂ weight + bias, x̂ = (x − mean) rstd, rstd = 1/√(var + eps), along the last axis with the biased variance.
 * Outputs y and stats [rows, 2] = (mean − x[r, 0], rstd): the mean from the row's first element on, as one f32 is too
 * short for it where data lie far from zero.
 */
export const layerNormOp: Op<{ eps: number }> = {
  name: 'layer_norm',
  infer([x, weight, bias]) {
    checkRows('layer_norm', x);
    const columns = x.shape.at(-1)!;
    for (const tensor of [weight, bias]) {
      const fits = tensor.shape.join() === `${columns}` && tensor.dtype === 'f32';
      check(fits, 'layer_norm', `weight and bias must be f32 [${columns}], one value a column`, tensor, x);
    }
    return [x, { shape: [x.size / columns, 2], dtype: 'f32' }];
  },
  launches({ inputs: [x, weight, bias], outputs: [y, stats], attrs: { eps } }) {
    const rows = rowParts(x.shape, x.size);
    const partial = new Scratch('statistics of parts', 2 * rows.rows * rows.parts * bytesPerElement);
    const kernel = kernelsOf(x);
    const measure: Launch = { kernel: kernel.statistics, bindings: { x, partial }, ...ofParts(rows) };
    const summarise: Launch = {
      kernel: merge,
      bindings: { partial, stats },
      params: { ...rows, eps },
      workgroups: grid1d(rows.rows, 64),
    };
    return [measure, summarise, { kernel: kernel.forward, bindings: { x, stats, weight, bias, y }, ...ofElements(x) }];
  },
  gradient({ inputs: [x, weight], outputs: [, stats] }, [dy]) {
    if (!dy) return [];
    const [dx] = apply(layerNormBackwardOp, [x, dy, stats, weight], null);
    const [dweight, dbias] = apply(layerNormBackwardAffineOp, [x, dy, stats], null);
    return [dx, dweight, dbias];
  },
};

/** dx = rstd (g − (Σ g + x̂ Σ g x̂) / columns), g = dy weight. */
export const layerNormBackwardOp: Op<null> = {
  name: 'layer_norm_backward',
  infer: ([x]) => [x],
  launches({ inputs: [x, dy, stats, weight], outputs: [dx] }) {
    const rows = rowParts(x.shape, x.size);
    const { sums, launches } = sumOfParts('sums of rows', rows, 2, (target) => ({
      kernel: kernelsOf(x).backwardSums,
      bindings: { x, dy, stats, weight, sums: target },
      ...ofParts(rows),
    }));
    const bindings = { x, dy, stats, weight, sums, dx };
    return [...launches, { kernel: kernelsOf(x).backward, bindings, ...ofElements(x) }];
  },
};

/**
 * dweight = Σ dy x̂ and dbias = Σ dy over the rows; apart from dx, so that either is computed only where it is wanted.
 */
export const layerNormBackwardAffineOp: Op<null> = {
  name: 'layer_norm_backward_affine',
  infer([x]) {
    const of = { shape: x.shape.slice(-1), dtype: 'f32' } as const;
    return [of, of];
  },
  launches({ inputs: [x, dy, stats], outputs: [dweight, dbias] }) {
    const { rows, columns } = rowParts(x.shape, x.size);
    const part = Math.max(shortestPart, Math.ceil(Math.sqrt(rows)));
    const parts = Math.ceil(rows / part);
    const into = (dw: Tensor | Scratch, db: Tensor | Scratch): Launch => ({
      kernel: kernelsOf(x).backwardAffine,
      bindings: { x, dy, stats, dweight: dw, dbias: db },
      params: { rows, columns, part, size: parts * columns },
      workgroups: grid1d(parts * columns, 64),
    });
    if (parts === 1) return [into(dweight, dbias)];
    const [dw, db] = ['scale', 'shift'].map(
      (name) => new Scratch(`sums of parts, ${name}`, parts * columns * bytesPerElement),
    );
    return [into(dw, db), ...sumLaunches(dw, dweight, parts, columns), ...sumLaunches(db, dbias, parts, columns)];
  },
};

/** Rows that one invocation adds up at least. */
const shortestPart = 16;

const ofParts = (rows: RowParts) => ({ params: { ...rows }, workgroups: grid1d(rows.rows * rows.parts, 64) });

const ofElements = ({ shape, size }: Tensor) => ({
  params: { columns: shape.at(-1)!, size },
  workgroups: grid1d(size, 64),
});

export interface LayerNormOptions {
  /** Scale and shift of each column, f32 [D]. */
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly eps?: number;
}

/** As `torch.nn.functional.layer_norm` over the last axis: x [..., D], f32 or f16, → the same shape and type. */
export const layerNorm = (x: Tensor, { weight, bias, eps = 1e-5 }: LayerNormOptions): Tensor =>
  apply(layerNormOp, [x, weight, bias], { eps })[0];
