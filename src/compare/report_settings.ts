/** The settings of a comparison, for its report: those that differ from row to row, and those that all have. */
import type { Block } from '../report/document.ts';
import { settingOf } from '../train/settings.ts';
import type { Results } from './results.ts';
import { kebab } from './values.ts';

/** Settings whose values say nothing of a row. */
const untold = ['method', 'seed'];

export function settingsBlocks({ rows, config }: Results): Block[] {
  const trained = rows.filter(({ untrained }) => !untrained);
  // Minutes decide about the length of each run: what was really done stands in its folder.
  const settings = config.rows.map(
    (row, i) => trained[i]?.runs.find((run) => run.trained)?.trained?.settings ?? row.settings,
  );
  const names = [...new Set(settings.flatMap((all) => Object.keys(all)))].filter((name) => !untold.includes(name));
  const cell = (i: number, name: string) => String(settingOf(settings[i], name) ?? '');
  const differs = (name: string) => settings.some((_, i) => cell(i, name) !== cell(0, name));
  const [different, same] = [names.filter(differs), names.filter((name) => !differs(name))];
  const varied: Block[] =
    different.length === 0
      ? []
      : [
          {
            kind: 'table',
            head: ['setting', ...config.rows.map(({ label }) => label)],
            rows: different.map((name) => [kebab(name), ...config.rows.map((_, i) => cell(i, name))]),
            note: 'Settings in which the rows differ; empty where a method has no such setting. Encoder, images and measures are the same for all methods, the rest is each method’s own recipe unless it was given.',
          },
        ];
  return [
    { kind: 'heading', text: 'Settings' },
    ...varied,
    { kind: 'text', text: `The same for all: ${same.map((name) => `${kebab(name)} ${cell(0, name)}`).join(', ')}.` },
    { kind: 'text', text: `Seeds: ${config.seeds.join(', ')}.` },
  ];
}
