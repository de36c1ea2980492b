import type { LabOptions } from '../../src/ops/rgb_to_lab.ts';
import type { Definitions } from './interpreter.ts';

const linearLight = (c: number) => (c > 0.04045 ? ((c + 0.055) / 1.055) ** 2.4 : c / 12.92);
const compressed = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);

/** L, a and b of a colour in [0, 1]. */
function labOf(rgb: readonly number[]): Record<'L' | 'a' | 'b', number> {
  const [r, g, b] = rgb.map(linearLight);
  const [x, y, z] = [
    (0.412453 * r + 0.35758 * g + 0.180423 * b) / 0.95047,
    0.212671 * r + 0.71516 * g + 0.072169 * b,
    (0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.08883,
  ].map(compressed);
  return { L: 116 * y - 16, a: 500 * (x - y), b: 200 * (y - z) };
}

export default {
  rgb_to_lab([x], { attrs }) {
    const { mean, std, channels } = attrs as Required<LabOptions>;
    const y = new Float64Array(x.length);
    for (let i = 0; i < x.length; i += 4) {
      const colour = [0, 1, 2].map((c) => Math.min(1, Math.max(0, x[i + c] * std[c] + mean[c])));
      const lab = labOf(colour);
      channels.forEach(({ of, center, scale }, c) => {
        y[i + c] = (lab[of] - center) * scale;
      });
    }
    return [y];
  },
} satisfies Definitions;
