/** Channel counts that are no multiples of 4: copies with zeros before a convolution's kernels, and back behind them. */
import repack from '../../kernels/conv2d/repack.wgsl';
import repackF16 from '../../kernels/conv2d/repack_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { byteLength, type DType, type Launch, Scratch, type Shape, type Spec, type Tensor } from '../graph/tensor.ts';

export const product = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);
const upTo4 = (size: number): number => Math.ceil(size / 4) * 4;

/** What a kernel binds: the tensor itself, or a scratch with channels rounded up to a multiple of 4. */
export interface Padded extends Spec {
  readonly bound: Tensor | Scratch;
}

export const padded = (name: string, shape: Shape, dtype: DType): Padded => ({
  bound: new Scratch(name, byteLength({ shape, dtype })),
  shape,
  dtype,
});

/** Collects the copies that stand before or after a kernel whose channel counts are not multiples of 4. */
export class Padding {
  readonly launches: Launch[] = [];

  /** [..., C] with C rounded up. */
  channels(name: string, tensor: Tensor): Padded {
    return this.copied(name, tensor, [...tensor.shape.slice(0, -1), upTo4(tensor.shape.at(-1)!)]);
  }

  /** [O, kh, kw, C] with O and C rounded up. */
  weight(name: string, tensor: Tensor): Padded {
    const [o, kh, kw, c] = tensor.shape;
    return this.copied(name, tensor, [upTo4(o), kh, kw, upTo4(c)]);
  }

  private copied(name: string, tensor: Tensor, shape: Shape): Padded {
    if (product(shape) === tensor.size) return { bound: tensor, shape, dtype: tensor.dtype };
    const copy = padded(name, shape, tensor.dtype);
    this.launches.push(repackLaunch(tensor, tensor.shape, copy.bound, copy));
    return copy;
  }

  /** A place for a result with channels (and rows of weights) rounded up, copied back to the tensor. */
  output(name: string, tensor: Tensor): Padded {
    const weights = name === 'dw';
    const shape = [
      weights ? upTo4(tensor.shape[0]) : tensor.shape[0],
      ...tensor.shape.slice(1, -1),
      upTo4(tensor.shape.at(-1)!),
    ];
    if (product(shape) === tensor.size) return { bound: tensor, shape, dtype: tensor.dtype };
    const copy = padded(name, shape, tensor.dtype);
    this.launches.push(repackLaunch(copy.bound, shape, tensor, tensor));
    return copy;
  }
}

function repackLaunch(
  source: Tensor | Scratch,
  from: Shape,
  destination: Tensor | Scratch,
  { shape: to, dtype }: Spec,
): Launch {
  const [source_columns, target_columns] = [from.at(-1)!, to.at(-1)!];
  const [source_rows, target_rows] = [product(from) / source_columns, product(to) / target_columns];
  return {
    kernel: dtype === 'f16' ? repackF16 : repack,
    bindings: { source, destination },
    params: { source_rows, source_columns, target_rows, target_columns },
    workgroups: grid1d(product(to), 64),
  };
}
