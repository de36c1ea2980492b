/** Exact t-SNE (van der Maaten & Hinton, 2008): affinities of points, gradient of an embedding in the plane, and its update. */
import conditional from '../../kernels/tsne/conditional.wgsl';
import distances from '../../kernels/tsne/distances.wgsl';
import forces from '../../kernels/tsne/forces.wgsl';
import gradientKernel from '../../kernels/tsne/gradient.wgsl';
import normalizer from '../../kernels/tsne/normalizer.wgsl';
import symmetrize from '../../kernels/tsne/symmetrize.wgsl';
import update from '../../kernels/tsne/update.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

interface AffinityAttrs {
  readonly perplexity: number;
}

/** Halvings of the interval of β: more than f32 can tell apart, after as many doublings as it takes to enclose it. */
const bisections = 64;

/**
 * p_ij = (p_j|i + p_i|j) / 2N, p_j|i = exp(−β_i ‖x_i − x_j‖²) / Σ_k≠i exp(−β_i ‖x_i − x_k‖²), p_i|i = 0, each β_i such that the
 * perplexity of p_·|i, exp of its entropy, is the one that is wanted. Writes the variable p [N, N].
 */
export const tsneAffinitiesOp: Op<AffinityAttrs> = {
  name: 'tsne_affinities',
  infer([x, p], { perplexity }) {
    check(x.shape.length === 2 && x.dtype === 'f32', 'tsne_affinities', 'the points must be a f32 matrix', x);
    const [rows] = x.shape;
    const square = p.shape.join() === `${rows},${rows}` && p.dtype === 'f32';
    check(square, 'tsne_affinities', 'the affinities must be f32 [N, N] for N points', p, x);
    const possible = perplexity > 0 && perplexity <= rows - 1;
    check(possible, 'tsne_affinities', `the perplexity (${perplexity}) must be above 0 and at most N − 1`, x);
    return [];
  },
  launches({ inputs: [x, p], attrs: { perplexity } }): Launch[] {
    const [rows, columns] = x.shape;
    const tiles = Math.ceil(rows / 256);
    const d = new Scratch('tsne distances', p.size * bytesPerElement);
    return [
      {
        kernel: distances,
        bindings: { x, d },
        params: { rows, columns, tiles },
        workgroups: grid1d(rows * tiles, 1),
        flops: 3 * rows * rows * columns,
      },
      {
        kernel: conditional,
        bindings: { d, c: p },
        params: { rows, entropy: Math.log(perplexity), steps: bisections },
        workgroups: grid1d(rows, 64),
        flops: 5 * bisections * rows * rows,
      },
      {
        kernel: symmetrize,
        bindings: { p },
        params: { rows, size: p.size },
        workgroups: grid1d(p.size, 64),
        flops: p.size,
      },
    ];
  },
  mutates: () => [1],
};

/**
 * KL = Σ p_ij log(p_ij / q_ij), q_ij = n_ij / Z, n_ij = 1 / (1 + ‖y_i − y_j‖²), Z = Σ_k≠l n_kl, and the gradient with p multiplied
 * by the exaggeration e: 4 Σ_j (e·p_ij − q_ij) n_ij (y_i − y_j).
 */
export const tsneGradientOp: Op<null> = {
  name: 'tsne_gradient',
  infer([p, y, exaggeration]) {
    const [rows] = y.shape;
    check(y.shape.join() === `${rows},2` && y.dtype === 'f32', 'tsne_gradient', 'the embedding must be f32 [N, 2]', y);
    const square = p.shape.join() === `${rows},${rows}` && p.dtype === 'f32';
    check(square, 'tsne_gradient', 'the affinities must be f32 [N, N] for N points', p, y);
    check(exaggeration.size === 1, 'tsne_gradient', 'the exaggeration must be f32 [1]', exaggeration);
    return [
      { shape: y.shape, dtype: 'f32' },
      { shape: [1], dtype: 'f32' },
    ];
  },
  launches({ inputs: [p, y, exaggeration], outputs: [gradient, loss], device }): Launch[] {
    const [rows] = y.shape;
    // Enough invocations for the device: a slice has at least 64 points.
    const wanted = Math.ceil((device.software ? 512 : 65536) / rows);
    const slice = Math.ceil(rows / Math.max(1, Math.min(wanted, Math.floor(rows / 64))));
    const slices = Math.ceil(rows / slice);
    const found = new Scratch('tsne forces', slices * rows * 4 * bytesPerElement);
    const sums = new Scratch('tsne sums', slices * rows * 2 * bytesPerElement);
    const z = new Scratch('tsne normaliser', bytesPerElement);
    return [
      {
        kernel: forces,
        bindings: { p, y, forces: found, sums },
        params: { rows, slice, slices },
        workgroups: grid1d(slices * rows, 64),
        flops: 18 * rows * rows,
      },
      {
        kernel: normalizer,
        bindings: { sums, normalizer: z, loss },
        params: { count: slices * rows },
        workgroups: [1, 1, 1],
      },
      {
        kernel: gradientKernel,
        bindings: { forces: found, normalizer: z, exaggeration, gradient },
        params: { rows, slices },
        workgroups: grid1d(rows, 64),
      },
    ];
  },
};

/** One step of descent with momentum and gains, in place: see `kernels/tsne/update.wgsl`. */
export const tsneUpdateOp: Op<null> = {
  name: 'tsne_update',
  infer([y, velocity, gain, gradient, scalars]) {
    const all = [y, velocity, gain, gradient];
    const fit = all.every(({ shape, dtype }) => shape.join() === y.shape.join() && dtype === 'f32');
    check(fit, 'tsne_update', 'embedding, velocity, gain and gradient must be f32 of one shape', ...all);
    check(scalars.size === 2, 'tsne_update', 'scalars must be f32 [2]', scalars);
    return [];
  },
  launches: ({ inputs: [y, velocity, gain, gradient, scalars] }) => [
    {
      kernel: update,
      bindings: { y, velocity, gain, gradient, scalars },
      params: { size: y.size },
      workgroups: grid1d(y.size, 64),
      flops: 6 * y.size,
    },
  ],
  mutates: () => [0, 1, 2],
};

/** Records the affinities of x [N, D] into the variable p [N, N]; they sum to 1. */
export function tsneAffinities(x: Tensor, p: Tensor, attrs: AffinityAttrs): void {
  apply(tsneAffinitiesOp, [x, p], attrs);
}

/** The gradient [N, 2] of an embedding y [N, 2] under affinities p [N, N] exaggerated by f32 [1], and KL [1] without exaggeration. */
export function tsneGradient(p: Tensor, y: Tensor, exaggeration: Tensor): { gradient: Tensor; loss: Tensor } {
  const [gradient, loss] = apply(tsneGradientOp, [p, y, exaggeration], null);
  return { gradient, loss };
}

/** Records one update of the variables y, velocity and gain [N, 2]; scalars f32 [2] = (rate, momentum). */
export function tsneUpdate(y: Tensor, velocity: Tensor, gain: Tensor, gradient: Tensor, scalars: Tensor): void {
  apply(tsneUpdateOp, [y, velocity, gain, gradient, scalars], null);
}
