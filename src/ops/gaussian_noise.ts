import forward from '../../kernels/gaussian_noise/forward.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, elements, type Op, type Shape, type Tensor } from '../graph/tensor.ts';
import { apply, tracing } from '../graph/trace.ts';

interface Attrs {
  readonly shape: Shape;
  /** Keeps the noise of several places of one program apart. */
  readonly salt: number;
}

/** y = √(−2 ln(1 − u)) cos(2πv − π), u and v uniform in [0, 1), a hash of (salt, seeds, element); f32. No gradient passes. */
export const gaussianNoiseOp: Op<Attrs> = {
  name: 'gaussian_noise',
  infer([seeds], { shape }) {
    check(seeds.dtype === 'u32' && seeds.shape.length === 1, 'gaussian_noise', 'seeds must be u32 [n]', seeds);
    return [{ shape, dtype: 'f32' }];
  },
  launches: ({ inputs: [seeds], outputs: [y], attrs: { salt } }) => [
    {
      kernel: forward,
      bindings: { seeds, y },
      params: { size: y.size, seeds: seeds.size, salt },
      workgroups: grid1d(y.size, 64),
    },
  ],
};

/** Which noise `gaussianNoise` draws. */
export interface GaussianNoiseOptions {
  /** By default the number of tensors of noise that the program had before. */
  readonly salt?: number;
}

/**
 * As `torch.randn`: numbers of N(0, 1) of any shape, f32. They depend on the seeds u32 [n], which are new in every step
 * (`feeds.index('noise', ({ seed, step }) => random(seed, step).below(2 ** 32))`), on the salt and on the element's index, and on nothing else.
 */
export function gaussianNoise(
  seeds: Tensor,
  shape: Shape,
  { salt = noisesBefore() }: GaussianNoiseOptions = {},
): Tensor {
  // An element takes two draws, whose number is a u32.
  check(elements(shape) < 2 ** 31, 'gaussian_noise', 'at most 2³¹ − 1 numbers', seeds);
  return apply(gaussianNoiseOp, [seeds], { shape, salt })[0];
}

const noisesBefore = (): number => tracing().nodes.filter(({ op }) => op === gaussianNoiseOp).length;
