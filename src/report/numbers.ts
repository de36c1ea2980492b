/**
 * A number with a true minus sign, rounded as it reads in decimals: halves go away from zero, so that 100 · 0.4095 is 41.0 and not
 * 40.9 because its nearest float64 lies a little below 40.95. What rounds to zero has no sign.
 */
export function decimal(value: number, digits: number): string {
  if (!Number.isFinite(value)) return String(value);
  const scale = 10 ** digits;
  const text = (Math.round(Number((Math.abs(value) * scale).toPrecision(12))) / scale).toFixed(digits);
  return value < 0 && Number(text) > 0 ? `−${text}` : text;
}
