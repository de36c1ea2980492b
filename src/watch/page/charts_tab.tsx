/** All curves: a chart for each number that some run has logged. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type Axis, axes, type RunSummary, type SeriesOfRun } from '../wire.ts';
import type { Range } from './api.ts';
import { Chart } from './chart.tsx';
import type { Curve } from './chart_data.ts';
import type { Reference } from './chart_options.ts';
import { colorVariable, dashOf } from './colors.ts';
import { written } from './format.ts';
import { inOrder, nameOf, sections } from './names.ts';
import type { TabProps } from './tab_props.ts';
import { Tiles } from './tiles.tsx';
import { useSeries } from './use_runs.ts';

/** Points of a curve: with many runs a line is thinner, and hides less. */
const pointsFor = (runs: number): number => (runs > 8 ? 300 : 600);

export function ChartsTab({ runs, prefs, change, now }: TabProps) {
  const [range, setRange] = useState<Range>();
  const { axis, smoothing, logY, theme } = prefs;
  const series = useSeries(runs, axis, pointsFor(runs.length), useSettled(range));
  const charts = useMemo(() => chartsOf(runs, series), [runs, series]);
  const all = useExtent(charts, axis, runs);
  const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
  return (
    <>
      <Tiles runs={runs} now={now} />
      <Toolbar
        prefs={prefs}
        change={(changed) => {
          if (changed.axis) setRange(undefined);
          change(changed);
        }}
        range={range}
        onReset={() => setRange(undefined)}
      />
      {runs.length > 1 && <Legend runs={runs} />}
      {sections.map((section) => {
        const own = charts.filter((chart) => chart.section === section);
        return own.length === 0 ? null : (
          <section key={section} aria-label={section}>
            <h2>{section}</h2>
            <div class="grid">
              {own.map(({ key, section: _, ...chart }) => (
                <Chart
                  key={key}
                  {...{ ...chart, axis, smoothing }}
                  range={range ?? all}
                  whole={all}
                  logY={logY && chart.curves.some(({ series: { mean } }) => mean.some((value) => value > 0))}
                  theme={theme + isDark}
                  onRange={setRange}
                />
              ))}
            </div>
          </section>
        );
      })}
      {charts.length === 0 && (
        <p class="empty">{series.size < runs.length ? 'Reading …' : 'Nothing was logged yet.'}</p>
      )}
    </>
  );
}

/** Milliseconds for which fingers hold still before what they look at is asked for in more detail. */
const settling = 200;

/** A range when it has stopped changing; all of it at once. */
function useSettled(range: Range | undefined): Range | undefined {
  const [settled, settle] = useState(range);
  useEffect(() => {
    const timer = setTimeout(() => settle(range), range ? settling : 0);
    return () => clearTimeout(timer);
  }, [range]);
  return range && settled;
}

/**
 * From where to where there is something: the same in all charts, so that they can be compared. Of what is looked at closely the series
 * have that part alone, so that what was seen before counts too.
 */
function useExtent(charts: ReturnType<typeof chartsOf>, axis: Axis, runs: readonly RunSummary[]): Range {
  const seen = useRef<{ of: string; range: Range }>(undefined);
  const of = `${axis} ${runs.map(({ id }) => id).join()}`;
  const before = seen.current?.of === of ? seen.current.range : undefined;
  const ends = charts.flatMap(({ curves }) => curves.flatMap(({ series: { x } }) => (x.length > 0 ? [x] : [])));
  const last = Math.max(...ends.map((x) => x[x.length - 1]), before?.[1] ?? 0);
  const first = axis === 'time' ? 0 : Math.min(...ends.map((x) => x[0]), before?.[0] ?? last);
  if (ends.length > 0) seen.current = { of, range: [first, last] };
  return useMemo(() => (first === last ? [first - 1, last + 1] : [first, last]), [first, last]);
}

/** The charts of what the runs have logged. */
function chartsOf(runs: readonly RunSummary[], series: ReadonlyMap<string, SeriesOfRun>) {
  const names = new Set(runs.flatMap(({ id }) => Object.keys(series.get(id) ?? {})));
  return inOrder(names).map((key) => {
    const facts = runs.find(({ legend }) => legend[key])?.legend[key];
    const curves = runs.flatMap((run): Curve[] => {
      const own = series.get(run.id)?.[key];
      return own
        ? [{ id: run.id, name: run.name, color: colorVariable(run.id), dash: dashOf(run.id), series: own }]
        : [];
    });
    const shown = runs.filter(({ id }) => curves.some((curve) => curve.id === id));
    return { key, ...nameOf(key, facts), note: facts?.note, curves, references: referencesOf(shown, key) };
  });
}

/** One line for all runs that have the same reference, in the colour of the run where it is of one alone. */
function referencesOf(runs: readonly RunSummary[], key: string): Reference[] {
  const byValue = new Map<string, { reference: { value: number; text: string }; ids: string[] }>();
  for (const { id, legend } of runs) {
    const reference = legend[key]?.reference;
    if (!reference) continue;
    const found = byValue.get(`${reference.value} ${reference.text}`);
    byValue.set(`${reference.value} ${reference.text}`, { reference, ids: [...(found?.ids ?? []), id] });
  }
  return [...byValue.values()].map(({ reference, ids }) => ({
    value: reference.value,
    text: `${reference.text} = ${written(reference.value, nameOf(key, runs[0]?.legend[key]).format)}`,
    color: ids.length === 1 && runs.length > 1 ? colorVariable(ids[0]) : 'var(--muted)',
  }));
}

/** Whose the curves are, where the list of runs is not beside them. */
const Legend = ({ runs }: Pick<TabProps, 'runs'>) => (
  <ul class="legend" aria-label="Colours of the runs">
    {runs.map(({ id, name }) => (
      <li key={id}>
        <i class="swatch" style={{ background: colorVariable(id) }} />
        {name}
      </li>
    ))}
  </ul>
);

const axisNames: Readonly<Record<Axis, string>> = { step: 'Step', epoch: 'Epoch', time: 'Time' };

interface ToolbarProps extends Pick<TabProps, 'prefs' | 'change'> {
  readonly range: Range | undefined;
  readonly onReset: () => void;
}

function Toolbar({ prefs: { axis, smoothing, logY }, change, range, onReset }: ToolbarProps) {
  return (
    <div class="toolbar" role="toolbar" aria-label="How curves are drawn">
      <label class="slider">
        Smoothing
        <input
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          value={smoothing}
          onInput={({ currentTarget }) => change({ smoothing: Number(currentTarget.value) })}
        />
        <output>{smoothing.toFixed(2)}</output>
      </label>
      <fieldset class="segments">
        <legend class="hidden">Horizontal axis</legend>
        {axes.map((name) => (
          <label key={name}>
            <input type="radio" name="axis" checked={axis === name} onChange={() => change({ axis: name })} />
            <span>{axisNames[name]}</span>
          </label>
        ))}
      </fieldset>
      <label class="check">
        <input
          type="checkbox"
          checked={logY}
          onChange={({ currentTarget }) => change({ logY: currentTarget.checked })}
        />
        Log scale
      </label>
      {range ? (
        <button type="button" onClick={onReset}>
          Show all
        </button>
      ) : (
        <small class="hint">
          <span class="by-mouse">Drag across a chart to look closer</span>
          <span class="by-touch">Two fingers on a chart look closer</span>
        </small>
      )}
    </div>
  );
}
