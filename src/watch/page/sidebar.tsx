/** The list of runs: which are shown, and how each of them is. */
import { useState } from 'preact/hooks';
import type { RunSummary } from '../wire.ts';
import { colorVariable } from './colors.ts';
import { written } from './format.ts';
import { ProgressBar, StatusBadge } from './status.tsx';
import type { TabProps } from './tab_props.ts';

interface SidebarProps extends TabProps {
  readonly visible: readonly RunSummary[];
}

export function Sidebar({ runs, visible, prefs, change, now }: SidebarProps) {
  const [filter, setFilter] = useState('');
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const listed = runs.filter(({ name, method }) =>
    words.every((word) => `${name} ${method}`.toLowerCase().includes(word)),
  );
  const ticked = new Set(visible.map(({ id }) => id));
  const tick = (of: readonly RunSummary[], on: boolean) =>
    change({ shown: { ...prefs.shown, ...Object.fromEntries(of.map(({ id }) => [id, on])) } });
  const only = (run: RunSummary) => change({ shown: Object.fromEntries(runs.map(({ id }) => [id, id === run.id])) });
  return (
    <aside aria-label="Runs">
      <details open={matchMedia('(min-width: 900px)').matches}>
        <summary>
          Runs <small>{visible.length === runs.length ? runs.length : `${visible.length} of ${runs.length}`}</small>
        </summary>
        <div class="pick">
          <input
            type="search"
            placeholder="Find runs"
            aria-label="Find runs by name or method"
            value={filter}
            onInput={({ currentTarget }) => setFilter(currentTarget.value)}
          />
          <button type="button" onClick={() => tick(listed, true)}>
            All
          </button>
          <button type="button" onClick={() => tick(listed, false)}>
            None
          </button>
        </div>
        <ul class="runs">
          {listed.map((run) => (
            <RunItem
              key={run.id}
              run={run}
              now={now}
              isOn={ticked.has(run.id)}
              onTick={(on) => tick([run], on)}
              onOnly={() => only(run)}
            />
          ))}
        </ul>
        {listed.length === 0 && <p class="note">No run has that in its name.</p>}
      </details>
    </aside>
  );
}

interface ItemProps {
  readonly run: RunSummary;
  readonly now: number;
  readonly isOn: boolean;
  readonly onTick: (on: boolean) => void;
  readonly onOnly: () => void;
}

function RunItem({ run, now, isOn, onTick, onOnly }: ItemProps) {
  const { latest, name, method, epoch, epochs } = run;
  const facts = [
    ...(epoch === null ? [] : [`epoch ${epoch}${epochs === null ? '' : `/${epochs}`}`]),
    ...('loss' in latest ? [`loss ${written(latest['loss'], 'number')}`] : []),
    ...('knn' in latest ? [`kNN ${written(latest['knn'], 'percent')}`] : []),
  ];
  return (
    <li class={isOn ? 'on' : ''} style={{ '--own': colorVariable(run.id) }}>
      <label title={run.path}>
        <input type="checkbox" checked={isOn} onChange={({ currentTarget }) => onTick(currentTarget.checked)} />
        <span class="name">{name}</span>
      </label>
      <button type="button" class="only" onClick={onOnly} aria-label={`Show only ${name}`}>
        only
      </button>
      <div class="facts">
        <StatusBadge run={run} now={now} /> <span>{method}</span>
      </div>
      <div class="facts">
        {facts.map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
      </div>
      <ProgressBar run={run} />
    </li>
  );
}
