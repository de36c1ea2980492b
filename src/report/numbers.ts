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

/** 0.61234 → `61.23`: a share in percent, where the unit stands beside it. */
export const percent = (share: number): string => decimal(100 * share, 2);

/** 0.614 → `61.4 %`. By `toFixed`, as the other numbers of a line that shows progress are. */
export const percentage = (share: number, digits: number): string => `${(100 * share).toFixed(digits)} %`;

/** 1536 → `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** What statistics of `analysis` have, a layer that this one does not import. */
interface Spread {
  readonly mean: number;
  readonly deviation: number | null;
}

/** `71.20 ± 0.35`, each times `scale`; the mean alone without a deviation. */
export const plusMinus = ({ mean, deviation }: Spread, digits: number, scale = 1): string =>
  decimal(scale * mean, digits) + (deviation === null ? '' : ` ± ${decimal(scale * deviation, digits)}`);

/** `71.20 ± 0.35` of shares, in percent. */
export const percentPlusMinus = (value: Spread): string => plusMinus(value, 2, 100);
