import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import { conv2d, conv2dBackwardInputOp, conv2dBackwardWeight } from './conv2d.ts';

interface Attrs {
  readonly stride: number;
  readonly padding: number;
  /**
   * Rows and columns added at the lower and right edge: which of the sizes that a convolution makes into x's is meant.
   */
  readonly outputPadding: number;
}

/**
 * y[n,oy,ox,o] = Σ_{ky,kx,i} x[n, (oy + padding − ky)/stride, (ox + padding − kx)/stride, i] · w[i,ky,kx,o], where the
 * divisions are exact: the input gradient of the convolution of y with w, computed by its kernels.
 */
export const convTranspose2dOp: Op<Attrs> = {
  name: 'conv_transpose2d',
  infer([x, w], { stride, padding, outputPadding }) {
    const name = 'conv_transpose2d';
    check(x.shape.length === 4 && w.shape.length === 4, name, 'x is [N, H, W, C] and w [C, kh, kw, O]', x, w);
    check(x.shape[3] === w.shape[0], name, 'the channels of x must be the first dimension of w', x, w);
    const types = x.dtype === w.dtype && (x.dtype === 'f32' || x.dtype === 'f16');
    check(types, name, 'both inputs must be f32, or both f16', x, w);
    const fits = outputPadding >= 0 && outputPadding < stride;
    check(fits, name, `outputPadding ${outputPadding} must be from 0 to less than the stride ${stride}`, x, w);
    const side = (size: number, kernel: number) => (size - 1) * stride - 2 * padding + kernel + outputPadding;
    const [height, width] = [side(x.shape[1], w.shape[1]), side(x.shape[2], w.shape[2])];
    check(height > 0 && width > 0, name, `padding ${padding} must leave something of the result`, x, w);
    return [{ shape: [x.shape[0], height, width, w.shape[3]], dtype: x.dtype }];
  },
  launches: ({ attrs: { stride, padding }, ...lowering }) =>
    conv2dBackwardInputOp.launches({
      ...lowering,
      attrs: { stride, padding, inputShape: lowering.outputs[0].shape },
    }),
  // y is the input gradient of a convolution, which is linear: dx is that convolution of dy. dw is f32, as conv2d's.
  gradient({ inputs: [x, w], attrs: { stride, padding } }, [dy]) {
    if (!dy) return [];
    return [conv2d(dy, w, { stride, padding }), conv2dBackwardWeight(x, dy, { stride, padding }, w.shape)];
  },
};

/**
 * As `torch.nn.functional.conv_transpose2d` without bias: x [N, H, W, C], weight [C, kh, kw, O] (PyTorch's is [C, O,
 * kh, kw]), both f32 or both f16 → [N, OH, OW, O] with OH = (H − 1)·stride − 2·padding + kh + outputPadding. The
 * weight's layout is that of the convolution which goes the other way.
 */
export const convTranspose2d = (
  x: Tensor,
  weight: Tensor,
  { stride = 1, padding = 0, outputPadding = 0 }: Partial<Attrs> = {},
): Tensor => apply(convTranspose2dOp, [x, weight], { stride, padding, outputPadding })[0];
