/** Numbers and times as the page words them. */
import { decimal, formatBytes, percentage } from '../../report/numbers.ts';

export { decimal, formatBytes, percentage };

const grouped = new Intl.NumberFormat('en', { useGrouping: true, maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** 12345 → `12,345`. */
export const whole = (value: number): string => grouped.format(value);

/** 11176512 → `11.2M`. */
export const short = (value: number): string => compact.format(value);

/** `1 photo`, `12,345 photos`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${whole(count)} ${count === 1 ? one : many}`;

/** Roughly, as people say it: `a few seconds`, `40 s`, `12 min`, `3 h 20 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown';
  if (seconds < 5) return 'a few seconds';
  if (seconds < 90) return `${Math.ceil(seconds / 5) * 5} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest === 0 ? '' : ` ${rest} min`}`;
}

/** 3.2 → `3.2`, 48.3 → `48`: a rate, whose digits change all the time. */
export const rate = (value: number): string => (value < 10 ? decimal(value, 1) : whole(value));

/** A number of a training in the way that it asks for. */
export const metric = (value: number, format: 'percent' | 'number'): string =>
  format === 'percent' ? percentage(value, 1) : decimal(value, 3);

/** A message of the worker, which may stand behind a name of a file elsewhere, as a sentence of its own. What begins with a name is left. */
export function sentence(message: string): string {
  const text = /^[a-z]+[ ,;]/.test(message) ? message.charAt(0).toUpperCase() + message.slice(1) : message;
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
