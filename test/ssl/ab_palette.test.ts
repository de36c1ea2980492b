import { expect, it } from 'vitest';
import { labOf } from '../../src/data/lab.ts';
import { constant } from '../../src/graph/trace.ts';
import { abOfPlaces, nearestColours, sampleAb } from '../../src/ssl/ab_palette.ts';
import { copiedColors, likeliest } from '../../src/ssl/copied_colors.ts';
import { plainColours } from '../../src/ssl/pixels.ts';
import { values } from '../losses/values.ts';
import { movingShapes } from '../moving_shapes.ts';

it('a colour is of the class of the nearest centre', () => {
  const ab = constant('ab', Float32Array.of(9, 1, -1, 8, 40, 40, 1, 1), [2, 2, 2]);
  const centres = constant('centres', Float32Array.of(0, 0, 10, 0, 0, 10), [3, 2]);
  expect(values(() => [nearestColours(ab, centres)])[0]).toEqual([0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0]);
});

it('the colour of a place is the mean of a and b of its pixels, whatever their lightness', () => {
  const rgb = [
    [1, 0, 0],
    [0, 0, 1],
    [0.2, 0.9, 0.1],
    [0.5, 0.5, 0.5],
  ] as const;
  const views = Float32Array.from(rgb.flatMap((colour) => [...colour, 0]));
  const [places] = values(() => [abOfPlaces(constant('views', views, [1, 2, 2, 4]), plainColours, 2)]);
  for (const [c, value] of places.entries())
    expect(value).toBeCloseTo(rgb.reduce((sum, colour) => sum + labOf(colour)[c + 1], 0) / 4, 3);
});

it('colours are drawn from all images, the same by one seed; grey ones are refused', () => {
  const shapes = movingShapes(3, 2, 16);
  const drawn = sampleAb(shapes, 1);
  expect(drawn.length).toBe(2 * 64 * 6);
  expect(sampleAb(shapes, 1)).toEqual(drawn);
  expect(sampleAb(shapes, 2)).not.toEqual(drawn);
  const grey = { ...shapes, read: (_: number, target: Uint8Array) => target.fill(90) };
  expect(() => sampleAb(grey, 1)).toThrow('moving shapes: its images are grey, so there are no colours to learn from');
});

it('what was copied is told from what stays and from what is frequent', () => {
  const classes = (name: string, ...of: number[]) =>
    constant(name, Float32Array.from(of.flatMap((c) => [0, 1, 2].map((k) => Number(k === c)))), [1, of.length, 3]);
  const shares = values(() => {
    const [truth, before] = [classes('truth', 0, 0, 1, 2), classes('before', 0, 1, 2, 2)];
    return Object.values(copiedColors(classes('copied', 0, 0, 0, 2), truth, before));
  });
  expect(shares.map(([share]) => Math.round(1000 * share) / 1000)).toEqual([0.75, 0.5, 0.5, 0.5]);
  const carried = constant('carried', Float32Array.of(0.2, 0.5, 0.3, 0.4, 0.1, 0.5), [1, 2, 3]);
  expect(values(() => [likeliest(carried)])[0]).toEqual([0, 1, 0, 0, 0, 1]);
});
