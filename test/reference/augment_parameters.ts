import type { DrawOptions } from '../../src/ops/augment.ts';
import type { Definitions } from './interpreter.ts';
import { mixCounter, uniform01, uniformBelow, uniformBetween } from './random.ts';

type Config = DrawOptions;

const roundHalfEven = (x: number): number => {
  const floor = Math.floor(x);
  return x - floor === 0.5 ? 2 * Math.round(floor / 2 + 0.25) : Math.round(x);
};

/** torchvision's RandomResizedCrop.get_params. `uniform` and `below` are given the try (0 to 9) and which draw of it (0 to 3). */
export function cropParameters(
  { height, width, scale, ratio }: Pick<Config, 'height' | 'width' | 'scale' | 'ratio'>,
  uniform: (attempt: number, draw: number, low: number, high: number) => number,
  below: (attempt: number, draw: number, n: number) => number,
): [top: number, left: number, height: number, width: number] {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = height * width * uniform(attempt, 0, ...scale);
    const aspect = Math.exp(uniform(attempt, 1, Math.log(ratio[0]), Math.log(ratio[1])));
    const w = roundHalfEven(Math.sqrt(area * aspect));
    const h = roundHalfEven(Math.sqrt(area / aspect));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      return [below(attempt, 2, height - h + 1), below(attempt, 3, width - w + 1), h, w];
    }
  }
  let [h, w] = [height, width];
  if (width / height < ratio[0]) h = roundHalfEven(width / ratio[0]);
  else if (width / height > ratio[1]) w = roundHalfEven(height * ratio[1]);
  return [Math.floor((height - h) / 2), Math.floor((width - w) / 2), h, w];
}

function drawView(key: number, config: Config): number[] {
  const { flip, jitter, strength: s, grayscale, blur, sigma } = config;
  const { saturation = 1, hue = 1, grayscaleFirst = false, solarize = 0 } = config;
  const crop = cropParameters(
    config,
    (attempt, draw, low, high) => uniformBetween(key, 16 + 4 * attempt + draw, low, high),
    (attempt, draw, n) => uniformBelow(key, 16 + 4 * attempt + draw, n),
  );
  let factors = [1, 1, 1, 0];
  let order = [0, 0, 0, 0];
  if (s > 0 && uniform01(key, 1) < jitter) {
    const factor = (draw: number, range: number) => uniformBetween(key, draw, Math.max(0, 1 - range), 1 + range);
    const turn = Math.min(0.5, 0.2 * s * hue);
    factors = [
      factor(2, 0.8 * s),
      factor(3, 0.8 * s),
      factor(4, 0.8 * s * saturation),
      uniformBetween(key, 5, -turn, turn),
    ];
    order = [1, 2, 3, 4];
    for (let i = 3; i > 0; i--) {
      const j = uniformBelow(key, 9 + 3 - i, i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
  }
  const deviation = uniform01(key, 7) < blur ? uniformBetween(key, 8, ...sigma) : 0;
  const chosen = (draw: number, probability: number) => Number(uniform01(key, draw) < probability);
  const grey = chosen(6, grayscale) * (grayscaleFirst ? 2 : 1);
  return [...crop, chosen(0, flip), ...factors, ...order, grey, deviation, chosen(12, solarize)];
}

export default {
  augment_parameters([indices, seeds], { attrs }) {
    const { views = 2 } = attrs as Config;
    const rows = Array.from({ length: views }, (_, view) => view).flatMap((view) =>
      Array.from(indices).flatMap((index) => drawView([...seeds, index, view].reduce(mixCounter, 0), attrs as Config)),
    );
    return [Float64Array.from(rows)];
  },
} satisfies Definitions;
