import fromU32 from '../../kernels/cast/from_u32.wgsl';
import toF16 from '../../kernels/cast/to_f16.wgsl';
import toF32 from '../../kernels/cast/to_f32.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

/**
 * y = x, from f32 rounded to the nearest f16 (beyond 65,504 infinite), or from f16 or u32 to f32 (whole numbers up to 2²⁴ exactly; they have
 * no gradient).
 */
export const castOp: Op<null> = {
  name: 'cast',
  infer([x]) {
    check(x.dtype !== 'i32', 'cast', 'the input must be f32, f16 or u32', x);
    return [{ shape: x.shape, dtype: x.dtype === 'f32' ? 'f16' : 'f32' }];
  },
  launches: ({ inputs: [x], outputs: [y] }) => [
    {
      kernel: x.dtype === 'u32' ? fromU32 : y.dtype === 'f16' ? toF16 : toF32,
      bindings: { x, y },
      params: { size: x.size },
      workgroups: grid1d(x.size, 64),
    },
  ],
  gradient: ({ inputs: [x] }, [dy]) => [dy && x.dtype !== 'u32' ? cast(dy, x.dtype) : undefined],
};

/** The same values as f32 or as f16; x itself where it is of that type. Gradients are cast back. */
export const cast = (x: Tensor, dtype: Tensor['dtype']): Tensor =>
  x.dtype === dtype ? x : apply(castOp, [x], null)[0];
