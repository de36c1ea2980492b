/** How a run is, in a word and a sign: never by colour alone. */
import type { RunSummary, Status } from '../wire.ts';
import { ago, duration } from './format.ts';

const words: Readonly<Record<Status, { word: string; sign: string; text: string }>> = {
  running: { word: 'running', sign: '▶', text: 'A process trains in this folder.' },
  finished: { word: 'finished', sign: '✓', text: 'It came to its end.' },
  interrupted: { word: 'interrupted', sign: '❚❚', text: 'It was asked to stop, and saved: it goes on with --resume.' },
  failed: {
    ...{ word: 'failed', sign: '✕' },
    text: 'Its process ended without saving: a fault, or it was killed. It goes on with --resume from its newest checkpoint.',
  },
  silent: { word: 'silent', sign: '?', text: 'It trains on another machine, and has written nothing for minutes.' },
  new: { word: 'new', sign: '…', text: 'Nothing was logged yet.' },
};

/** A running process that has not logged for so many milliseconds may hang. */
const slow = 60_000;

export function StatusBadge({ run: { status, lastLine }, now }: { run: RunSummary; now: number }) {
  const { word, sign, text } = words[status];
  const when = lastLine === null ? '' : ` Last line ${ago(lastLine, now)}.`;
  const isSlow = status === 'running' && lastLine !== null && now - lastLine > slow;
  return (
    <span class={`status ${isSlow ? 'slow' : status}`} title={text + when}>
      <i aria-hidden="true">{sign}</i> {word}
      {isSlow && `, nothing for ${duration((now - lastLine) / 1000)}`}
    </span>
  );
}

/** The share of a run that is done, from 0 to 1; undefined where its end is not known. */
export const shareDone = ({ step, steps, status }: RunSummary): number | undefined =>
  status === 'finished' ? 1 : steps ? Math.min(1, step / steps) : undefined;

export function ProgressBar({ run }: { run: RunSummary }) {
  const share = shareDone(run);
  if (share === undefined) return null;
  return (
    <span
      class={`bar ${run.status}`}
      role="progressbar"
      aria-label={`Progress of ${run.name}`}
      aria-valuenow={Math.round(100 * share)}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <span style={{ width: `${100 * share}%` }} />
    </span>
  );
}
