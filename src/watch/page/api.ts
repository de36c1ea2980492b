/** What the page asks its server for. The browser keeps each answer with its ETag, and is told 304 where nothing has changed. */
import type { Axis, RunList, SeriesOfRun } from '../wire.ts';

/** A part of an axis; undefined: all of it. */
export type Range = readonly [from: number, to: number];

async function ask(path: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(path, { signal, cache: 'no-cache' });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response;
}

const get = async <T>(path: string, signal: AbortSignal): Promise<T> => (await (await ask(path, signal)).json()) as T;

export const fetchRuns = (signal: AbortSignal): Promise<RunList> => get('runs', signal);

/** The series of a run, about so many points each. */
export function fetchSeries(
  id: string,
  axis: Axis,
  points: number,
  range: Range | undefined,
  signal: AbortSignal,
): Promise<SeriesOfRun> {
  const query = new URLSearchParams({ axis, points: String(points) });
  if (range) {
    query.set('from', String(range[0]));
    query.set('to', String(range[1]));
  }
  return get(`series/${id}?${query}`, signal);
}

/** The HTML of a report. */
export const fetchReport = async (id: string, signal: AbortSignal): Promise<string> =>
  (await ask(`reports/${id}`, signal)).text();

/** Where a picture is; its version is in the address, so that one that was drawn again is fetched again. */
export const figureUrl = (id: string, file: string, version: string): string =>
  `figures/${id}/${encodeURIComponent(file)}?v=${encodeURIComponent(version)}`;
