/** Numbers and times as people read them. */
import type { Axis } from '../wire.ts';
import type { Format } from './names.ts';

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** 56709844 → `54.1 MiB` */
export function bytes(value: number): string {
  const power = value > 0 ? Math.min(units.length - 1, Math.floor(Math.log2(value) / 10)) : 0;
  const scaled = value / 1024 ** power;
  return `${power === 0 ? scaled : scaled.toFixed(scaled < 100 ? 1 : 0)} ${units[power]}`;
}

/** Four digits: 4.5121, 0.0625, 12,480, 1.2e−7. */
export function plain(value: number): string {
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-3 && size < 1e6)) {
    const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;
    return value.toLocaleString('en-US', { maximumFractionDigits: digits });
  }
  return value.toExponential(2).replace('e-', 'e−').replace('e+', 'e');
}

/** A value as its kind of number is written. */
export function written(value: number, format: Format): string {
  if (!Number.isFinite(value)) return '–';
  if (format === 'percent') return `${(100 * value).toFixed(Math.abs(value) < 0.0995 ? 2 : 1)} %`;
  if (format === 'bytes') return bytes(value);
  if (format === 'rate') return value.toLocaleString('en-US', { maximumFractionDigits: value < 100 ? 1 : 0 });
  if (format === 'tiny') return value === 0 ? '0' : Number(value.toPrecision(3)).toString().replace('e-', 'e−');
  return plain(value);
}

/** The same at a tick of an axis, where there is less room. */
export function atTick(value: number, format: Format): string {
  if (format === 'percent') return `${Number((100 * value).toPrecision(6))} %`;
  if (format === 'bytes') return bytes(value);
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))}k`;
  if (size > 0 && size < 1e-3) return value.toExponential().replace('e-', 'e−');
  return String(Number(value.toPrecision(6)));
}

/** 95 → `1 min 35 s`; two units at most. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min${s % 60 && s < 600 ? ` ${s % 60} s` : ''}`;
  if (s < 86_400)
    return `${Math.floor(s / 3600)} h${Math.floor((s % 3600) / 60) ? ` ${Math.floor((s % 3600) / 60)} min` : ''}`;
  return `${Math.floor(s / 86_400)} d${Math.floor((s % 86_400) / 3600) ? ` ${Math.floor((s % 86_400) / 3600)} h` : ''}`;
}

/** How long ago a time in milliseconds was. */
export const ago = (time: number, now: number): string => `${duration((now - time) / 1000)} ago`;

/** A place on the axis of x, as its ticks and its tooltip write it. */
export function place(x: number, axis: Axis): string {
  if (axis === 'time') return duration(x);
  if (axis === 'epoch') return `epoch ${Number(x.toFixed(2))}`;
  return `step ${Math.round(x).toLocaleString('en-US')}`;
}

export const axisTick = (x: number, axis: Axis): string => (axis === 'time' ? duration(x) : atTick(x, 'number'));
