/** Runs side by side in a table: how far they are, how good, and in which settings they differ. */
import { useState } from 'preact/hooks';
import type { RunSummary } from '../wire.ts';
import { colorVariable } from './colors.ts';
import { duration, written } from './format.ts';
import { type Format, inOrder, nameOf } from './names.ts';
import { differing, settingText } from './settings_tab.tsx';
import { StatusBadge } from './status.tsx';
import type { TabProps } from './tab_props.ts';

interface Column {
  readonly key: string;
  readonly title: string;
  readonly value: (run: RunSummary) => number | string | undefined;
  readonly text: (run: RunSummary) => string;
}

const number = (
  key: string,
  title: string,
  format: Format,
  of: (run: RunSummary) => number | null | undefined,
): Column => ({
  ...{ key, title },
  value: (run) => of(run) ?? undefined,
  text: (run) => written(of(run) ?? Number.NaN, format),
});

/** Seconds from the start to the last line. */
const worked = ({ started, lastLine }: RunSummary): number | undefined =>
  started === null || lastLine === null ? undefined : (lastLine - Date.parse(started)) / 1000;

function columnsOf(runs: readonly RunSummary[]): Column[] {
  const logged = inOrder(new Set(runs.flatMap(({ latest }) => Object.keys(latest)))).filter(
    (name) => !['chance', 'majority', 'lr', 'seconds'].includes(name),
  );
  return [
    number('step', 'Step', 'rate', ({ step }) => step),
    ...(runs.some(({ bestKnn }) => bestKnn !== null)
      ? [number('best', 'Best kNN', 'percent', ({ bestKnn }) => bestKnn)]
      : []),
    ...logged.map((name) => {
      const facts = runs.find(({ legend }) => legend[name])?.legend[name];
      const { title, format } = nameOf(name, facts);
      return number(name, title, format, ({ latest }) => latest[name]);
    }),
    {
      ...{ key: 'worked', title: 'Since its start', value: worked },
      text: (run) => (worked(run) === undefined ? '–' : duration(worked(run)!)),
    },
    ...differing(runs).map((name) => ({
      ...{ key: `setting ${name}`, title: name },
      value: ({ settings }: RunSummary) =>
        typeof settings[name] === 'number' ? settings[name] : settingText(settings[name]),
      text: ({ settings }: RunSummary) => settingText(settings[name]),
    })),
  ];
}

export function RunsTab({ runs, now }: TabProps) {
  const [sort, setSort] = useState<{ key: string; down: boolean }>();
  const columns = columnsOf(runs);
  const by = columns.find(({ key }) => key === sort?.key);
  const rows = by ? runs.toSorted((a, b) => compare(by.value(a), by.value(b), sort!.down)) : runs;
  const toggle = (key: string) => setSort({ key, down: sort?.key === key ? !sort.down : true });
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a table that is wider than the page is scrolled by keys
    <section class="card table" tabIndex={0} aria-label="Runs and their newest numbers">
      <table>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Status</th>
            {columns.map(({ key, title }) => (
              <th
                key={key}
                scope="col"
                aria-sort={sort?.key !== key ? undefined : sort.down ? 'descending' : 'ascending'}
              >
                <button type="button" onClick={() => toggle(key)}>
                  {title}
                  <i aria-hidden="true">{sort?.key !== key ? '' : sort.down ? ' ↓' : ' ↑'}</i>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((run) => (
            <tr key={run.id}>
              <th scope="row">
                <i class="swatch" style={{ background: colorVariable(run.id) }} />
                {run.name}
              </th>
              <td>
                <StatusBadge run={run} now={now} />
              </td>
              {columns.map(({ key, text }) => (
                <td key={key}>{text(run)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** What is missing comes last. */
function compare(a: number | string | undefined, b: number | string | undefined, down: boolean): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
  return down ? -order : order;
}
