/** CIE Lab on the host: the definition is that of `src/ops/rgb_to_lab.ts`. White is D65 of 2 degrees, colours are sRGB in 0 … 1. */

export type Lab = readonly [L: number, a: number, b: number];
type Rgb = readonly [number, number, number];

const white = [0.95047, 1, 1.08883] as const;
const toXyz: readonly Rgb[] = [
  [0.412453, 0.35758, 0.180423],
  [0.212671, 0.71516, 0.072169],
  [0.019334, 0.119193, 0.950227],
];
const fromXyz = inverse(toXyz);

/** L in 0 … 100, a and b within about ±110. */
export function labOf(rgb: Rgb): Lab {
  const linear = rgb.map((c) => (c > 0.04045 ? ((c + 0.055) / 1.055) ** 2.4 : c / 12.92));
  const [x, y, z] = toXyz.map((row, i) => {
    const t = dot(row, linear) / white[i];
    return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
  });
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** The inverse of `labOf`; what no screen shows is clamped to the nearest value of each of red, green and blue. */
export function rgbOfLab([L, a, b]: Lab): Rgb {
  const y = (L + 16) / 116;
  const xyz = [y + a / 500, y, y - b / 200].map((f, i) => {
    const t = f ** 3 > 0.008856 ? f ** 3 : (f - 16 / 116) / 7.787;
    return t * white[i];
  });
  const [red, green, blue] = fromXyz.map((row) => {
    const c = dot(row, xyz);
    return Math.min(1, Math.max(0, c > 0.0031308 ? 1.055 * c ** (1 / 2.4) - 0.055 : 12.92 * c));
  });
  return [red, green, blue];
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

/** Of a 3 × 3 matrix, by cross products of its rows. */
function inverse([a, b, c]: readonly Rgb[]): readonly Rgb[] {
  const cross = ([x, y, z]: Rgb, [u, v, w]: Rgb): Rgb => [y * w - z * v, z * u - x * w, x * v - y * u];
  const columns = [cross(b, c), cross(c, a), cross(a, b)];
  const determinant = dot(a, columns[0]);
  const row = (i: number): Rgb => [0, 1, 2].map((k) => columns[k][i] / determinant) as unknown as Rgb;
  return [row(0), row(1), row(2)];
}
