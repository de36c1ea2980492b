/**
 * The colours of a similarity: "managua" of Fabio Crameri's Scientific colour maps (MIT licence, doi 10.5281/zenodo.1243862),
 * turned round. Perceptually uniform and diverging, it keeps its order for every colour vision: dark plum is 0, and light
 * means far from 0, yellow above and blue below.
 */

import type { Color } from './canvas.ts';

/** Every sixteenth colour of the published 256, in 1/255, from −1 to 1. */
const ANCHORS: readonly Color[] = [
  [129, 231, 255],
  [118, 199, 236],
  [107, 170, 218],
  [96, 142, 199],
  [87, 117, 179],
  [80, 93, 156],
  [76, 69, 127],
  [78, 50, 96],
  [87, 41, 72],
  [105, 43, 60],
  [129, 57, 57],
  [154, 76, 61],
  [177, 98, 67],
  [197, 121, 74],
  [216, 147, 83],
  [235, 176, 93],
  [255, 207, 103],
];

/** Not a number: a grey that the map does not have. */
export const MISSING: Color = [160, 160, 160];

/** The colour of a value between −1 and 1, interpolated linearly between anchors; values outside take the end's colour. */
export function divergingColor(value: number): Color {
  if (Number.isNaN(value)) return MISSING;
  const position = ((Math.min(1, Math.max(-1, value)) + 1) / 2) * (ANCHORS.length - 1);
  const index = Math.min(ANCHORS.length - 2, Math.floor(position));
  const weight = position - index;
  const [from, to] = [ANCHORS[index], ANCHORS[index + 1]];
  const mix = (channel: 0 | 1 | 2) => Math.round(from[channel] + (to[channel] - from[channel]) * weight);
  return [mix(0), mix(1), mix(2)];
}
