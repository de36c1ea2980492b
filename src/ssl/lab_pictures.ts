/** Pictures of what is predicted of Lab. */
import { type Lab, rgbOfLab } from '../data/lab.ts';
import type { Pixels } from './pixels.ts';

/** Pictures [count, side, side], of which `labAt` says the colour of a pixel, counted over all. */
export function labPictures(count: number, side: number, labAt: (pixel: number) => Lab): Pixels[] {
  const pixels = side * side;
  return Array.from({ length: count }, (_, picture) => {
    const rgb = new Uint8Array(3 * pixels);
    for (let i = 0; i < pixels; i++) rgb.set(bytesOf(labAt(picture * pixels + i)), 3 * i);
    return { side, rgb };
  });
}

const bytesOf = (lab: Lab): number[] => rgbOfLab(lab).map((value) => Math.round(255 * value));
