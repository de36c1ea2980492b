/** Keeps the list of runs and their series as new as the server's. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Axis, RunList, SeriesOfRun } from '../wire.ts';
import { fetchRuns, fetchSeries, type Range } from './api.ts';

/** Milliseconds between two looks: where a run trains, and where none does. */
const pace = { live: 1000, idle: 3000 };
/** After looks that failed: the server is being started again, or is gone. */
const retries = [1000, 2000, 3000, 5000];

export interface Followed {
  readonly list: RunList | undefined;
  /** Looks that failed one after another. */
  readonly failures: number;
  /** When the list was fetched last. */
  readonly now: number;
}

/** Asks for the list again and again while the page is seen. */
export function useRuns(): Followed {
  const [followed, set] = useState<Followed>({ list: undefined, failures: 0, now: Date.now() });
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    let asking = false;
    const look = async () => {
      if (asking || stop.signal.aborted) return;
      asking = true;
      clearTimeout(timer);
      let wait: number;
      try {
        const list = await fetchRuns(AbortSignal.any([stop.signal, AbortSignal.timeout(10_000)]));
        failures = 0;
        set({ list, failures, now: Date.now() });
        wait = list.loading || list.runs.some(({ status }) => status === 'running') ? pace.live : pace.idle;
      } catch {
        failures++;
        set((before) => ({ ...before, failures, now: Date.now() }));
        wait = retries[Math.min(failures, retries.length) - 1];
      }
      asking = false;
      if (!document.hidden && !stop.signal.aborted) timer = setTimeout(look, wait);
    };
    const seen = () => {
      if (!document.hidden) void look();
    };
    document.addEventListener('visibilitychange', seen);
    void look();
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, []);
  return followed;
}

/** What is asked for of a run. */
interface Wanted {
  readonly id: string;
  readonly seriesVersion: string;
}

/** The series of some runs by their ids, fetched again where a run has new lines or something else is asked for. */
export function useSeries(
  wanted: readonly Wanted[],
  axis: Axis,
  points: number,
  range: Range | undefined,
): ReadonlyMap<string, SeriesOfRun> {
  const [series, set] = useState<ReadonlyMap<string, SeriesOfRun>>(new Map());
  const asked = useRef(new Map<string, string>());
  const window = `${axis} ${points} ${range?.join(' ') ?? ''}`;
  const newest = useRef(window);
  newest.current = window;
  const versions = wanted.map(({ id, seriesVersion }) => `${id} ${seriesVersion}`).join();
  useEffect(() => {
    const old = wanted.filter(({ id, seriesVersion }) => asked.current.get(id) !== `${seriesVersion} ${window}`);
    const ask = async ({ id, seriesVersion }: Wanted) => {
      asked.current.set(id, `${seriesVersion} ${window}`);
      try {
        return [id, await fetchSeries(id, axis, points, range, AbortSignal.timeout(10_000))] as const;
      } catch {
        asked.current.delete(id); // asked again with the next list
        return undefined;
      }
    };
    void Promise.all(old.map(ask)).then((told) => {
      const found = told.filter((one) => one !== undefined);
      if (found.length > 0 && newest.current === window) set((before) => new Map([...before, ...found]));
    });
  }, [versions, window]);
  return series;
}
