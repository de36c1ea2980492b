import forward from '../../kernels/dropout/forward.wgsl';
import forwardF16 from '../../kernels/dropout/forward_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply, tracing } from '../graph/trace.ts';

interface Attrs {
  /** Probability that an element is dropped. */
  readonly p: number;
  /** Keeps the masks of several dropouts of one program apart. */
  readonly salt: number;
}

/** y = x / (1 − p) where u ≥ p, else 0; u uniform in [0, 1), a hash of (salt, seeds, element). */
export const dropoutOp: Op<Attrs> = {
  name: 'dropout',
  infer([x, seeds], { p }) {
    check(x.dtype === 'f32' || x.dtype === 'f16', 'dropout', 'the input must be f32 or f16', x);
    check(seeds.dtype === 'u32' && seeds.shape.length === 1, 'dropout', 'seeds must be u32 [n]', seeds);
    check(p >= 0 && p < 1, 'dropout', `p = ${p} must be from 0 up to, not including, 1`, x);
    return [x];
  },
  launches: ({ inputs: [x, seeds], outputs: [y], attrs: { p, salt } }) => [
    {
      kernel: x.dtype === 'f16' ? forwardF16 : forward,
      bindings: { x, seeds, y },
      params: { size: x.size, seeds: seeds.size, salt, p, scale: 1 / (1 - p) },
      workgroups: grid1d(x.size, 64),
    },
  ],
  // The same mask and scale on dy, made again from the same numbers.
  gradient: ({ inputs: [, seeds], attrs }, [dy]) => [dy && apply(dropoutOp, [dy, seeds], attrs)[0]],
};

export interface DropoutOptions {
  readonly p: number;
  /**
   * u32 [n], new in every step: the mask depends on them, on the salt and on the element's index, and on nothing else.
   */
  readonly seeds: Tensor;
  /** By default the number of dropouts that the program had before. */
  readonly salt?: number;
}

/** As `torch.nn.functional.dropout` in training: x of any shape, f32 or f16. p = 0 gives x itself. */
export function dropout(x: Tensor, { p, seeds, salt = dropoutsBefore() }: DropoutOptions): Tensor {
  return p === 0 ? x : apply(dropoutOp, [x, seeds], { p, salt })[0];
}

const dropoutsBefore = (): number => tracing().nodes.filter(({ op }) => op === dropoutOp).length;
