/** `--log`: in which other forms a run's numbers are kept, beside `metrics.jsonl`. */
import { join } from 'node:path';
import type { MetricsLog } from './metrics_record.ts';

/** What `--log` takes. */
export const logKinds = ['tensorboard'] as const;
export type LogKind = (typeof logKinds)[number];

/** The folder in that of a run that has its event files. */
export const tensorboardFolder = 'tensorboard';

/** The records that a run is asked to keep; what writes them is loaded where it is wanted only. */
export async function logsFor(kinds: readonly LogKind[], run: string, settings: object): Promise<MetricsLog[]> {
  if (kinds.length === 0) return [];
  const { TensorBoardLog } = await import('./tensorboard_log.ts');
  return [new TensorBoardLog(join(run, tensorboardFolder), settings)];
}
