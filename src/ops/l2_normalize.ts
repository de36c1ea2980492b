import backward from '../../kernels/l2_normalize/backward.wgsl';
import forward from '../../kernels/l2_normalize/forward.wgsl';
import rowDot from '../../kernels/l2_normalize/row_dot.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

interface Attrs {
  readonly eps: number;
}

/** y = x / max(norm, eps) row by row, norm = ‖x‖₂; norm [M] is saved for the gradient. */
export const l2NormalizeOp: Op<Attrs> = {
  name: 'l2_normalize',
  infer([x]) {
    check(x.shape.length === 2 && x.dtype === 'f32', 'l2_normalize', 'the input must be a f32 matrix', x);
    return [x, { shape: [x.shape[0]], dtype: 'f32' }];
  },
  launches({ inputs: [x], outputs: [y, norm], attrs }) {
    return [dotOfRows(x, x, norm, true), { kernel: forward, bindings: { x, norm, y }, ...byQuads(x, attrs) }];
  },
  gradient: ({ outputs: [y, norm], attrs }, [dy]) => [dy && apply(l2NormalizeBackwardOp, [dy, y, norm], attrs)[0]],
};

/** dx = (dy − y (y·dy)) / norm, and dy / eps for rows shorter than eps. */
export const l2NormalizeBackwardOp: Op<Attrs> = {
  name: 'l2_normalize_backward',
  infer: ([dy]) => [dy],
  launches({ inputs: [dy, y, norm], outputs: [dx], attrs }) {
    const dot = new Scratch('dot of rows', norm.size * bytesPerElement);
    const bindings = { dy, y, norm, dot_of_row: dot, dx };
    return [dotOfRows(y, dy, dot, false), { kernel: backward, bindings, ...byQuads(dy, attrs) }];
  },
};

function dotOfRows(a: Tensor, b: Tensor, dot: Tensor | Scratch, root: boolean): Launch {
  const [rows, columns] = a.shape;
  return {
    kernel: rowDot,
    bindings: { a, b, dot_of_row: dot },
    params: { rows, columns, root: root ? 1 : 0 },
    workgroups: grid1d(rows, 64),
    flops: 2 * a.size,
  };
}

function byQuads(
  { shape: [rows, columns], size }: Tensor,
  { eps }: Attrs,
): Pick<Launch, 'params' | 'workgroups' | 'flops'> {
  return { params: { rows, columns, eps }, workgroups: grid1d(rows * Math.ceil(columns / 4), 64), flops: size };
}

/** Rows of x [M, D] at length one; a row shorter than `eps` is divided by `eps` (PyTorch's `normalize`). */
export const l2Normalize = (x: Tensor, eps = 1e-12): Tensor => apply(l2NormalizeOp, [x], { eps })[0];
