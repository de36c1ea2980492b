/** Where the ticks of an axis stand, where the chart library would choose numbers that are not worth reading. */

import { axisLabel, axisTick, splitLine, tick } from './plot_frame.ts';

/** The least of 1, 2 or 5 times a power of ten that cuts `range` into eight parts at most. */
export function roundStep(range: number): number {
  const least = range / 8;
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * (1 - 1e-9))!;
}

/** The multiples of a round step that lie between two numbers. */
export function roundTicks(low: number, high: number, step = roundStep(high - low)): number[] {
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, i) => (first + i) * step);
}

/** Of whole numbers: both ends, and round ones between them that do not run into an end's. */
export function wholeTicks(first: number, last: number): number[] {
  if (first === last) return [first];
  const step = Math.max(1, roundStep(last - first));
  const inner = roundTicks(first, last, step).filter((at) => Math.min(at - first, last - at) > step / 3);
  return [first, ...inner, last];
}

/** The part of an axis that puts its ticks, and the lines of its grid, at these numbers. */
export const tickedAt = (customValues: readonly number[], place: 'x' | 'y'): object => ({
  splitLine: { ...splitLine(place), customValues },
  axisTick: { ...axisTick, customValues },
  axisLabel: { ...axisLabel, formatter: tick, customValues },
});
