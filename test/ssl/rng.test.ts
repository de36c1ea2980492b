import { describe, expect, it } from 'vitest';
import { toPixels } from '../../src/ssl/pixels.ts';
import { random } from '../../src/ssl/rng.ts';

describe('draws of the host', () => {
  it('depend on the counters and on nothing else', () => {
    const draw = (...counters: number[]) => {
      const { uniform } = random(...counters);
      return [uniform(), uniform(), uniform()];
    };
    expect(draw(1, 2, 3)).toEqual(draw(1, 2, 3));
    const others = [
      [1, 2, 3],
      [3, 2, 1],
      [1, 2],
      [1, 2, 3, 0],
      [0, 1, 2, 3],
      [1 + 2 ** 32, 2, 3],
    ];
    expect(new Set(others.map((counters) => draw(...counters)[0])).size).toBe(others.length);
  });

  it('are uniform, whole and normal, and neighbouring counters have nothing to do with each other', () => {
    const n = 20_000;
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const firsts = Array.from({ length: n }, (_, i) => random(7, i).uniform());
    expect(Math.abs(mean(firsts) - 0.5)).toBeLessThan(0.01);
    const products = firsts.slice(1).map((value, i) => (value - 0.5) * (firsts[i] - 0.5) * 12);
    expect(Math.abs(mean(products))).toBeLessThan(0.03);
    const counts = [0, 0, 0, 0, 0];
    for (let i = 0; i < n; i++) counts[random(i, 1).below(5)]++;
    for (const count of counts) expect(Math.abs(count - n / 5)).toBeLessThan(5 * Math.sqrt(n / 5));
    const draw = random(3);
    const normals = Array.from({ length: n }, () => draw.normal());
    expect(Math.abs(mean(normals))).toBeLessThan(0.03);
    expect(Math.abs(mean(normals.map((value) => value * value)) - 1)).toBeLessThan(0.05);
    expect(normals.every(Number.isFinite)).toBe(true);
  });
});

describe('views as pictures', () => {
  it('are brought back from normalised colours, clamped, and grey where there is one channel', () => {
    const colours = { mean: [0.5, 0.25, 0], std: [0.5, 0.5, 1] } as const;
    const [first, second] = toPixels([1, 0.5, 1, 0, -1, -9, 0.2, 0], 1, colours);
    expect([first, second]).toEqual([
      { side: 1, rgb: Uint8Array.of(255, 128, 255) },
      { side: 1, rgb: Uint8Array.of(0, 0, 51) },
    ]);
    expect(toPixels([0, 1, 0.2, 2], 2, undefined, 1)[0].rgb).toEqual(
      Uint8Array.of(0, 0, 0, 255, 255, 255, 51, 51, 51, 255, 255, 255),
    );
  });
});
