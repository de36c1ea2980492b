/** How convolutions of f16 are computed on matrix units: as products of matrices, patches taken from x as it lies. */
import implicitGemm8x8x8 from '../../kernels/conv2d/matrix_implicit_gemm_8x8x8.wgsl';
import implicitGemm8x16x16 from '../../kernels/conv2d/matrix_implicit_gemm_8x16x16.wgsl';
import implicitGemm16x16x16 from '../../kernels/conv2d/matrix_implicit_gemm_16x16x16.wgsl';
import implicitGemmEmulated from '../../kernels/conv2d/matrix_implicit_gemm_emulated.wgsl';
import weight8x8x8 from '../../kernels/conv2d/matrix_weight_8x8x8.wgsl';
import weight8x16x16 from '../../kernels/conv2d/matrix_weight_8x16x16.wgsl';
import weight16x16x16 from '../../kernels/conv2d/matrix_weight_16x16x16.wgsl';
import weightEmulated from '../../kernels/conv2d/matrix_weight_emulated.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import type { Launch, Variants } from '../graph/tensor.ts';
import { type Convolution, convolutionSizes, reduction, sliceCount, transposedWeight } from './conv2d_launches.ts';
import { padded, product } from './conv2d_padding.ts';
import {
  emulatedVariants,
  type MatrixBlock,
  type MatrixProduct,
  matrixVariants,
  wantedGroups,
} from './matrix_units.ts';

const implicitGemmKernels = {
  '16x16x16': implicitGemm16x16x16,
  '8x16x16': implicitGemm8x16x16,
  '8x8x8': implicitGemm8x8x8,
  emulated: implicitGemmEmulated,
};
const weightKernels = {
  '16x16x16': weight16x16x16,
  '8x16x16': weight8x16x16,
  '8x8x8': weight8x8x8,
  emulated: weightEmulated,
};

/** Variants of the three directions of a convolution; none for tensors of f32. */
interface Directions {
  forward(conv: Convolution): Variants;
  backwardInput(conv: Convolution): Variants;
  backwardWeight(conv: Convolution): Variants;
}

const directions = (variants: (of: MatrixProduct) => Variants): Directions => {
  const ofF16 = (conv: Convolution, make: () => MatrixProduct) => (conv.x.dtype === 'f16' ? variants(make()) : {});
  return {
    forward: (conv) => ofF16(conv, () => implicitGemmProduct(conv, false)),
    backwardInput: (conv) => ofF16(conv, () => inputProduct(conv)),
    backwardWeight: (conv) => ofF16(conv, () => weightProduct(conv)),
  };
};

export const matrix = directions(matrixVariants);
export const emulated = directions(emulatedVariants);

/** dx is gathered from dy with transposed weights; with a stride, each class of its pixels by itself. */
function inputProduct(conv: Convolution): MatrixProduct {
  const { w, x, y } = conv;
  const [transpose, wt] = transposedWeight(w);
  const gathered = implicitGemmProduct({ ...conv, x: y, w: wt, y: x }, true);
  return { ...gathered, launches: (block) => [transpose, ...gathered.launches(block)] };
}

/** Pixels × out channels. */
function implicitGemmProduct({ device, attrs, x, w, y, flops }: Convolution, inputGradient: boolean): MatrixProduct {
  const step = inputGradient ? attrs.stride : 1;
  const [batch, height, width, channels] = y.shape;
  const pixels = batch * Math.ceil(height / step) * Math.ceil(width / step);
  const across = (block: MatrixBlock) => Math.ceil(channels / block.columns);
  const down = (block: MatrixBlock) => step * step * Math.ceil(pixels / block.rows);
  return {
    device,
    kernels: implicitGemmKernels,
    leftAcross: false,
    rightAcross: false,
    work: (block) => ({ groups: across(block) * down(block), terms: 1 }),
    launches(block) {
      const [rows, layers] = grid1d(down(block), 1);
      const launch: Launch = {
        kernel: block.kernel,
        constants: block.constants,
        bindings: { x: x.bound, w: w.bound, y: y.bound },
        params: { ...convolutionSizes(attrs, x.shape, w.shape, y.shape), input_gradient: Number(inputGradient) },
        workgroups: [across(block), rows, layers],
        flops,
      };
      return [launch];
    },
  };
}

/** Out channels × columns of w, in slices of the pixels whose partial sums are added up behind. */
function weightProduct({ device, attrs, x, w: dw, y: dy, flops }: Convolution): MatrixProduct {
  const length = product(dw.shape);
  const pixels = product(dy.shape.slice(0, 3));
  const columns = length / dw.shape[0];
  const grid = (block: MatrixBlock) => {
    const [across, down] = [Math.ceil(columns / block.columns), Math.ceil(dw.shape[0] / block.rows)];
    const wanted = Math.ceil(wantedGroups / (across * down));
    // Whole steps: only the last one of all is filled up with zeros.
    const slice = Math.ceil(pixels / sliceCount(wanted, pixels, length) / block.depth) * block.depth;
    return { across, down, slice, slices: Math.ceil(pixels / slice) };
  };
  return {
    device,
    kernels: weightKernels,
    leftAcross: true,
    rightAcross: true,
    work(block) {
      const { across, down, slice, slices } = grid(block);
      return { groups: across * down * slices, terms: slice };
    },
    launches(block) {
      const { across, down, slice, slices } = grid(block);
      const partials = slices === 1 ? dw : padded('partials', [slices, length], 'f32');
      const sum: Launch = {
        kernel: block.kernel,
        constants: block.constants,
        bindings: { dy: dy.bound, x: x.bound, partials: partials.bound },
        params: { ...convolutionSizes(attrs, x.shape, dw.shape, dy.shape), slice },
        workgroups: [across, down, slices],
        flops,
      };
      return slices === 1 ? [sum] : [sum, reduction(partials, dw, slices)];
    },
  };
}
