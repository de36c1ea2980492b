import forward from '../../kernels/rgb_to_lab/forward.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

type Colour = readonly [number, number, number];

/** What a channel of the output is: (value − center) · scale of L (0 … 100), a or b (about −110 … 110). */
export interface LabChannel {
  readonly of: 'L' | 'a' | 'b';
  readonly center: number;
  readonly scale: number;
}

/** L, a and b as they are. */
export const plainLab: readonly LabChannel[] = (['L', 'a', 'b'] as const).map((of) => ({ of, center: 0, scale: 1 }));

/** What `rgbToLab` is given, and which channels it gives. */
export interface LabOptions {
  /** How the colours of the input are normalised: they are x · std + mean, and are clamped to 0 … 1. */
  readonly mean: Colour;
  readonly std: Colour;
  /** One to three channels, those behind them are 0; by default L, a and b as they are. */
  readonly channels?: readonly LabChannel[];
}

/**
 * With c = sRGB's curve undone (c/12.92 up to 0.04045, else ((c + 0.055)/1.055)^2.4), XYZ = M c over the white of D65, and f(t) = ∛t above
 * 0.008856, else 7.787 t + 16/116:
 *
 *   L = 116 f(Y) − 16,   a = 500 (f(X) − f(Y)),   b = 200 (f(Y) − f(Z))
 *
 * It has no gradient: images are given.
 */
export const rgbToLabOp: Op<Required<LabOptions>> = {
  name: 'rgb_to_lab',
  infer([x], { channels }) {
    const images = x.shape.length === 4 && x.shape[3] === 4 && x.dtype === 'f32';
    check(images, 'rgb_to_lab', 'the input must be f32 [N, H, W, 4]', x);
    const count = channels.length;
    check(count >= 1 && count <= 3, 'rgb_to_lab', `${count} channels must be 1 to 3`, x);
    return [x];
  },
  launches: ({ inputs: [x], outputs: [y], attrs: { mean, std, channels } }) => [
    {
      kernel: forward,
      bindings: { x, y },
      params: {
        pixels: x.size / 4,
        ...{ mean_r: mean[0], mean_g: mean[1], mean_b: mean[2], std_r: std[0], std_g: std[1], std_b: std[2] },
        ...Object.assign({}, ...[0, 1, 2].map((c) => channelParams(c, channels[c]))),
      },
      workgroups: grid1d(x.size / 4, 64),
    },
  ],
};

const channelParams = (c: number, { of, center, scale }: LabChannel = { of: 'L', center: 0, scale: 0 }) => ({
  [`take_${c}`]: ['L', 'a', 'b'].indexOf(of),
  [`centre_${c}`]: center,
  [`scale_${c}`]: scale,
});

/** CIE Lab of normalised sRGB views [N, H, W, 4], as `skimage.color.rgb2lab`: [N, H, W, 4], f32, the fourth channel 0. */
export const rgbToLab = (x: Tensor, { mean, std, channels = plainLab }: LabOptions): Tensor =>
  apply(rgbToLabOp, [x], { mean, std, channels })[0];
