/** Settings of the runs, those first in which they differ. */
import { useState } from 'preact/hooks';
import type { RunSummary, SettingValue } from '../wire.ts';
import { colorVariable } from './colors.ts';
import type { TabProps } from './tab_props.ts';

export const settingText = (value: SettingValue | undefined): string =>
  value === undefined ? '–' : value === true ? 'on' : value === false ? 'off' : String(value);

/** Names of the settings in which runs differ; one that a method does not have differs from any value. */
export const differing = (runs: readonly RunSummary[]): string[] =>
  settingNames(runs).filter((name) => new Set(runs.map(({ settings }) => settings[name])).size > 1);

const settingNames = (runs: readonly RunSummary[]): string[] => [
  ...new Set(runs.flatMap(({ settings }) => Object.keys(settings))),
];

export function SettingsTab({ runs }: TabProps) {
  const [all, setAll] = useState(false);
  const [filter, setFilter] = useState('');
  const different = new Set(differing(runs));
  const showsAll = all || runs.length === 1;
  const names = settingNames(runs)
    .filter((name) => (showsAll || different.has(name)) && name.toLowerCase().includes(filter.trim().toLowerCase()))
    .sort((a, b) => Number(different.has(b)) - Number(different.has(a)));
  return (
    <>
      <div class="toolbar">
        <input
          type="search"
          placeholder="Find settings"
          aria-label="Find settings by name"
          value={filter}
          onInput={({ currentTarget }) => setFilter(currentTarget.value)}
        />
        {runs.length > 1 && (
          <label class="check">
            <input type="checkbox" checked={!all} onChange={({ currentTarget }) => setAll(!currentTarget.checked)} />
            Only what differs ({different.size})
          </label>
        )}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a table that is wider than the page is scrolled by keys */}
      <section class="card table" tabIndex={0} aria-label="Settings of the runs">
        <table>
          <thead>
            <tr>
              <th scope="col">Setting</th>
              {runs.map(({ id, name }) => (
                <th key={id} scope="col">
                  <i class="swatch" style={{ background: colorVariable(id) }} />
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {names.map((name) => (
              <tr key={name} class={showsAll && different.has(name) ? 'differs' : ''}>
                <th scope="row">{name}</th>
                {runs.map(({ id, settings }) => (
                  <td key={id} title={settingText(settings[name])}>
                    {settingText(settings[name])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {names.length === 0 && (
          <p class="empty">{different.size === 0 ? 'These runs have the same settings.' : 'No such setting.'}</p>
        )}
      </section>
    </>
  );
}
