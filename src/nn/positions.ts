/** Embeddings of the places of a square grid: fixed ones, and learned ones for a grid of another size. */

/**
 * Sines and cosines of both coordinates, [g², D] row by row (MAE's `get_2d_sincos_pos_embed`): the first half of the numbers is of the
 * column, the other of the row, each sin(p ω_i) then cos(p ω_i) with ω_i = 10000^(−i / (D/4)).
 *
 * @param dimensions D, a multiple of 4
 */
export function sinCosPositions(grid: number, dimensions: number): Float32Array {
  const quarter = dimensions / 4;
  const values = new Float32Array(grid * grid * dimensions);
  for (let place = 0; place < grid * grid; place++) {
    const coordinates = [place % grid, Math.floor(place / grid)];
    coordinates.forEach((coordinate, axis) => {
      for (let i = 0; i < quarter; i++) {
        const angle = coordinate / 10000 ** (i / quarter);
        const at = place * dimensions + axis * 2 * quarter + i;
        values[at] = Math.sin(angle);
        values[at + quarter] = Math.cos(angle);
      }
    });
  }
  return values;
}

/** Keys' cubic convolution kernel with a = −0.75, PyTorch's. */
function cubic(distance: number): number {
  const [a, x] = [-0.75, Math.abs(distance)];
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * (x ** 3 - 5 * x ** 2 + 8 * x - 4) : 0;
}

/** Rows of weights [to, from] that resample a line of `from` values to `to`, bicubic, as `interpolate` without aligned corners. */
function lineWeights(from: number, to: number): Float64Array[] {
  return Array.from({ length: to }, (_, i) => {
    const at = ((i + 0.5) * from) / to - 0.5;
    const weights = new Float64Array(from);
    for (let k = Math.floor(at) - 1; k <= Math.floor(at) + 2; k++)
      weights[Math.min(from - 1, Math.max(0, k))] += cubic(at - k);
    return weights;
  });
}

/** The matrix [to², from²] that makes embeddings of the places of a grid out of those of another, as `interpolate(mode='bicubic')`. */
export function resampledPlaces(from: number, to: number): Float32Array {
  const line = lineWeights(from, to);
  const matrix = new Float32Array(to * to * from * from);
  for (let row = 0; row < to; row++)
    for (let column = 0; column < to; column++)
      for (let y = 0; y < from; y++)
        for (let x = 0; x < from; x++)
          matrix[(row * to + column) * from * from + y * from + x] = line[row][y] * line[column][x];
  return matrix;
}
