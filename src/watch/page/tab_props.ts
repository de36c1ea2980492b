import type { RunSummary } from '../wire.ts';
import type { Prefs } from './prefs.ts';

/** What every part of the page is given. */
export interface TabProps {
  readonly runs: readonly RunSummary[];
  readonly prefs: Prefs;
  readonly change: (change: Partial<Prefs>) => void;
  /** When the runs were asked for last, in milliseconds since 1970. */
  readonly now: number;
}
