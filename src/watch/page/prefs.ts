/** What somebody has chosen on the page, kept by the browser for the next visit. */
import { useEffect, useState } from 'preact/hooks';
import type { Axis } from '../wire.ts';

export const tabs = ['charts', 'runs', 'report', 'figures', 'settings'] as const;
export type Tab = (typeof tabs)[number];
export type Theme = 'system' | 'light' | 'dark';

export interface Prefs {
  readonly tab: Tab;
  readonly axis: Axis;
  /** Weight of the moving average, from 0 to below 1. */
  readonly smoothing: number;
  readonly logY: boolean;
  readonly theme: Theme;
  /** Runs by id that were ticked or unticked by hand; of the others the newest are shown. */
  readonly shown: Readonly<Record<string, boolean>>;
}

const initial: Prefs = { tab: 'charts', axis: 'step', smoothing: 0.6, logY: false, theme: 'system', shown: {} };
const key = 'simclr-watch';

function recalled(): Prefs {
  try {
    return { ...initial, ...(JSON.parse(localStorage.getItem(key) ?? '{}') as Partial<Prefs>) };
  } catch {
    return initial;
  }
}

/** The choices, and a function that changes some of them. */
export function usePrefs(): [Prefs, (change: Partial<Prefs>) => void] {
  const [prefs, set] = useState(recalled);
  useEffect(() => {
    try {
      localStorage.setItem(key, JSON.stringify(prefs));
    } catch {} // a browser that keeps nothing
    const { theme } = prefs;
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  }, [prefs]);
  return [prefs, (change) => set((before) => ({ ...before, ...change }))];
}
