/** Pictures that are mixed with others of their batch: MixUp and CutMix, as options of methods that know what to learn from such. */
import { z } from 'zod';
import { toUnit, wordStream } from '../data/hash.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { heaviside, mul, sub } from '../ops/binary.ts';
import { reshape } from '../ops/reshape.ts';
import { flip } from '../ops/strided_copy.ts';
import type { Feeds, StepTime } from './feeds.ts';

/** Own settings of a method that mixes: `options: { …, ...mixingOptions }`. */
export const mixingOptions = {
  mix: z
    .enum(['none', 'mixup', 'cutmix'])
    .default('none')
    .describe('mixes each picture with another of the batch, and its target likewise: mixup or cutmix'),
  mixAlpha: z
    .number()
    .min(0.05)
    .max(32)
    .default(1)
    .describe('the share λ of the picture itself is drawn from Beta(α, α)'),
};
export type Mixing = { readonly [K in keyof typeof mixingOptions]: z.infer<(typeof mixingOptions)[K]> };

/** MixUp (Zhang et al., 2018, eq. 1) of pictures, targets or losses: share · x + (1 − share) · other, share f32 [1]. */
export const mixup = (x: Tensor, other: Tensor, share: Tensor): Tensor => add(mul(x, share), mul(other, sub(1, share)));

/** A rectangle of pixels: columns left … right − 1, rows top … bottom − 1. */
export interface Box<T> {
  readonly left: T;
  readonly top: T;
  readonly right: T;
  readonly bottom: T;
}

/** CutMix (Yun et al., 2019, eq. 1) of pictures [N, H, W, C]: the box, four f32 [1], is that of the others. */
export function cutmix(x: Tensor, other: Tensor, { left, top, right, bottom }: Box<Tensor>): Tensor {
  const [, height, width] = x.shape;
  const within = (name: string, size: number, from: Tensor, to: Tensor) => {
    const centres = constant(
      `centres of ${name}`,
      Float32Array.from({ length: size }, (_, i) => i + 0.5),
    );
    return mul(heaviside(centres, from), heaviside(to, centres));
  };
  const rows = reshape(within('rows', height, top, bottom), [1, height, 1, 1]);
  const columns = reshape(within('columns', width, left, right), [1, 1, width, 1]);
  const mask = mul(rows, columns);
  return add(mul(x, sub(1, mask)), mul(other, mask));
}

/** CutMix's box (appendix A) around a pixel: of the side that leaves a share λ, and clipped at the border. */
export function cutmixBox(size: number, share: number, column: number, row: number): Box<number> {
  const half = Math.floor(Math.trunc(size * Math.sqrt(1 - share)) / 2);
  const clipped = (x: number) => Math.min(size, Math.max(0, x));
  return {
    ...{ left: clipped(column - half), top: clipped(row - half) },
    ...{ right: clipped(column + half), bottom: clipped(row + half) },
  };
}

/** What a box leaves of a picture. */
export const shareOutside = (size: number, { left, top, right, bottom }: Box<number>): number =>
  1 - ((right - left) * (bottom - top)) / (size * size);

/** Gamma(shape, 1) by Marsaglia and Tsang (2000), from numbers in (0, 1). */
function gamma(shape: number, uniform: () => number): number {
  if (shape < 1) return gamma(shape + 1, uniform) * uniform() ** (1 / shape);
  const d = shape - 1 / 3;
  for (;;) {
    const x = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(uniform()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Purpose of the stream. */
const MIX_STREAM = 0x0d17;

/** What is drawn for a step: a function of seed and number of the step. `view` keeps mixed views of one step apart. */
export function drawMix(
  { mix, mixAlpha }: Mixing,
  { seed, step }: Pick<StepTime, 'seed' | 'step'>,
  size: number,
  view = 0,
) {
  const word = wordStream(MIX_STREAM, seed, step, view);
  let draws = 2;
  const uniform = () => toUnit(word(draws++)) + 2 ** -33;
  const [a, b] = [gamma(mixAlpha, uniform), gamma(mixAlpha, uniform)];
  const share = a / (a + b);
  const [column, row] = [0, 1].map((draw) => Math.floor(toUnit(word(draw)) * size));
  const box = cutmixBox(size, share, column, row);
  return { box, share: mix === 'cutmix' ? shareOutside(size, box) : share };
}

/**
 * Pictures [N, size, size, C], each mixed with that of the opposite row of the batch, which is in random order already; of an odd number,
 * the one in the middle stays as it is.
 */
export function mixViews(x: Tensor, feeds: Feeds, mixing: Mixing, view = 0): Tensor {
  const [, size] = x.shape;
  const other = flip(x, [0]);
  const fed = (name: string, value: (drawn: ReturnType<typeof drawMix>) => number) =>
    feeds.scalar(`${name} of mixed view ${view}`, (time) => value(drawMix(mixing, time, size, view)));
  if (mixing.mix === 'mixup')
    return mixup(
      x,
      other,
      fed('share', ({ share }) => share),
    );
  return cutmix(x, other, {
    left: fed('left', ({ box }) => box.left),
    top: fed('top', ({ box }) => box.top),
    right: fed('right', ({ box }) => box.right),
    bottom: fed('bottom', ({ box }) => box.bottom),
  });
}

/** λ, f32 [1]: how much of the targets of views of a size is their own. With CutMix what the clipped box leaves. */
export const mixShare = (feeds: Feeds, mixing: Mixing, size: number, view = 0): Tensor =>
  feeds.scalar(`share of own targets of view ${view}`, (time) => drawMix(mixing, time, size, view).share);

/** u32 [N]: the row that `mixViews` mixes each row of a batch with, which goes through it in pieces of so many rows. */
export function mixPartners(rows: number, piece: number = rows): Tensor {
  const partner = (_: unknown, i: number) => i - (i % piece) + piece - 1 - (i % piece);
  return constant('partners', Uint32Array.from({ length: rows }, partner));
}
