/** The whole page: what is asked of the server, what was chosen, and the parts that show it. */
import { useMemo } from 'preact/hooks';
import type { RunList, RunSummary } from '../wire.ts';
import { ChartsTab } from './charts_tab.tsx';
import { assignColors } from './colors.ts';
import { FiguresTab } from './figures_tab.tsx';
import { type Prefs, type Tab, type Theme, tabs, usePrefs } from './prefs.ts';
import { ReportTab } from './report_tab.tsx';
import { RunsTab } from './runs_tab.tsx';
import { SettingsTab } from './settings_tab.tsx';
import { Sidebar } from './sidebar.tsx';
import type { TabProps } from './tab_props.ts';
import { useRuns } from './use_runs.ts';

/** Of more runs than this only the newest are shown at first. */
const shownAtFirst = 10;
/** Looks that failed before it is said: one alone may be chance. */
const patience = 2;

const newestFirst = (runs: readonly RunSummary[]): RunSummary[] =>
  runs.toSorted((a, b) => (b.started ?? '').localeCompare(a.started ?? ''));

/** The runs that are ticked: as was chosen, else the newest. */
function chosen(runs: readonly RunSummary[], shown: Prefs['shown']): RunSummary[] {
  const newest = new Set(
    newestFirst(runs)
      .slice(0, shownAtFirst)
      .map(({ id }) => id),
  );
  return runs.filter(({ id }) => shown[id] ?? newest.has(id));
}

export function App() {
  const { list, failures, now } = useRuns();
  const [prefs, change] = usePrefs();
  const runs = list?.runs ?? [];
  assignColors(newestFirst(runs).map(({ id }) => id));
  const visible = useMemo(() => chosen(runs, prefs.shown), [runs, prefs.shown]);
  // Only comparisons and experiments have a report.
  const shownTabs = tabs.filter((tab) => tab !== 'report' || (list?.reports.length ?? 0) > 0);
  const tab = shownTabs.includes(prefs.tab) ? prefs.tab : 'charts';
  document.title = titleOf(runs);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the charts
      </a>
      <Header runs={runs} tabs={shownTabs} tab={tab} prefs={prefs} change={change} loading={list?.loading ?? false} />
      {failures >= patience && (
        <p class="banner" role="alert">
          <b>No answer from simclr watch.</b> What you see may be old; the page goes on as soon as it is started again.
        </p>
      )}
      {list === undefined ? (
        <p class="boot">{failures > 0 ? 'No answer yet …' : 'Loading …'}</p>
      ) : runs.length === 0 ? (
        <NoRuns list={list} />
      ) : (
        <div class="body">
          <Sidebar runs={runs} visible={visible} prefs={prefs} change={change} now={now} />
          <main id="main" tabIndex={-1}>
            {tab === 'report' ? (
              <ReportTab reports={list.reports} />
            ) : (
              <TabView tab={tab} runs={visible} prefs={prefs} change={change} now={now} />
            )}
          </main>
        </div>
      )}
    </>
  );
}

const titleOf = (runs: readonly RunSummary[]): string => {
  const running = runs.filter(({ status }) => status === 'running').length;
  return running > 0 ? `${running} running · simclr watch` : 'simclr watch';
};

const tabNames: Readonly<Record<Tab, string>> = {
  ...{ charts: 'Charts', runs: 'Compare', report: 'Report', figures: 'Pictures', settings: 'Settings' },
};
const themeNames: Readonly<Record<Theme, string>> = { system: 'System', light: 'Light', dark: 'Dark' };

/** What is shown of the runs that are ticked. */
function TabView({ tab, ...props }: TabProps & { tab: Exclude<Tab, 'report'> }) {
  if (props.runs.length === 0) return <p class="empty">No run is ticked. Tick some in the list of runs.</p>;
  switch (tab) {
    case 'charts':
      return <ChartsTab {...props} />;
    case 'runs':
      return <RunsTab {...props} />;
    case 'figures':
      return <FiguresTab {...props} />;
    case 'settings':
      return <SettingsTab {...props} />;
  }
}

interface HeaderProps extends Omit<TabProps, 'now'> {
  readonly tabs: readonly Tab[];
  readonly tab: Tab;
  readonly loading: boolean;
}

function Header({ runs, tabs, tab: current, prefs, change, loading }: HeaderProps) {
  const count = (wanted: RunSummary['status']) => runs.filter(({ status }) => status === wanted).length;
  const parts = [
    `${runs.length} ${runs.length === 1 ? 'run' : 'runs'}`,
    ...(count('running') > 0 ? [`${count('running')} running`] : []),
    ...(count('failed') > 0 ? [`${count('failed')} failed`] : []),
    ...(loading ? ['reading …'] : []),
  ];
  return (
    <header>
      <h1>
        <span class="mark" aria-hidden="true" />
        simclr <span>watch</span>
      </h1>
      <p class="counts">{runs.length > 0 && parts.join(' · ')}</p>
      <nav aria-label="Views">
        {tabs.map((tab) => (
          <button
            key={tab}
            type="button"
            aria-current={current === tab ? 'page' : undefined}
            onClick={() => change({ tab })}
          >
            {tabNames[tab]}
          </button>
        ))}
      </nav>
      <label class="theme">
        <span class="hidden">Colours of the page</span>
        <select value={prefs.theme} onChange={({ currentTarget }) => change({ theme: currentTarget.value as Theme })}>
          {Object.entries(themeNames).map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </header>
  );
}

function NoRuns({ list: { roots, loading } }: { list: RunList }) {
  if (loading) return <p class="boot">Reading the runs …</p>;
  return (
    <main class="empty">
      <h2>No runs yet</h2>
      <p>
        A run that begins in <code>{roots.join(', ')}</code> is shown here at once. Start one, for instance with
      </p>
      <pre>simclr train --preset stl10</pre>
    </main>
  );
}
