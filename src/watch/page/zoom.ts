/** What part of an axis is shown, as two fingers or one change it. */
import type { Range } from './api.ts';

/** How far one can look closer. */
const mostZoom = 1000;

/**
 * The part that keeps under two fingers what was under them.
 *
 * @param from where they were: pixels from the left end of the axis, whose length in pixels is `width`
 * @param whole all that there is to be shown
 * @returns undefined where that is all
 */
export function pinched(
  range: Range,
  width: number,
  from: readonly [number, number],
  to: readonly [number, number],
  whole: Range,
): Range | undefined {
  const perPixel = (range[1] - range[0]) / width;
  const apart = ([a, b]: readonly [number, number]) => Math.max(1, Math.abs(b - a));
  const length = whole[1] - whole[0];
  const span = Math.min(length, Math.max(length / mostZoom, ((range[1] - range[0]) * apart(from)) / apart(to)));
  const middle = range[0] + ((from[0] + from[1]) / 2) * perPixel;
  return within(middle - ((to[0] + to[1]) / 2) * (span / width), span, whole);
}

/** The part that is shown when what is there is moved by so many pixels to the right. */
export const panned = (range: Range, width: number, right: number, whole: Range): Range | undefined => {
  const span = range[1] - range[0];
  return within(range[0] - (right * span) / width, span, whole);
};

function within(first: number, span: number, whole: Range): Range | undefined {
  if (span >= whole[1] - whole[0]) return undefined;
  const start = Math.min(whole[1] - span, Math.max(whole[0], first));
  return [start, start + span];
}
