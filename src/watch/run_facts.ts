/** What `config.json` of a run says, read with patience: a page that shows runs of any version refuses none for a value it does not know. */
import { z } from 'zod';
import { epochSteps } from '../data/order.ts';
import { totalSteps } from '../ssl/settings.ts';
import { readPlainly } from './plain_files.ts';
import type { SettingValue } from './wire.ts';

const mostBytes = 4 << 20;

const setting = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const configSchema = z.object({
  mode: z.string().optional(),
  settings: z.record(z.string(), z.unknown()),
  images: z.number().int().min(1).optional(),
  parts: z.array(z.number().int().min(1)).optional(),
  adapter: z.string().optional(),
  started: z.string().optional(),
  data: z.string().optional(),
});

export interface RunFacts {
  readonly method: string;
  readonly supervised: boolean;
  readonly started: string | null;
  readonly adapter: string | null;
  readonly settings: Readonly<Record<string, SettingValue>>;
  /** Steps from the start to the end, and those of an epoch; null where the file does not tell. */
  readonly steps: number | null;
  readonly perEpoch: number | null;
  readonly epochs: number | null;
}

/** @throws Error the file is missing, is no JSON, or says nothing of a run */
export async function readFacts(file: string): Promise<RunFacts> {
  const config = configSchema.parse(JSON.parse((await readPlainly(file, mostBytes)).toString('utf8')));
  const { mode, images, parts, data, adapter = null, started = null } = config;
  const settings = Object.fromEntries(
    Object.entries({ ...config.settings, ...(data !== undefined && { data }) }).flatMap(([name, value]) => {
      const known = setting.safeParse(value);
      return known.success ? [[name, known.data] as const] : [];
    }),
  );
  const number = (name: string) => (typeof settings[name] === 'number' ? settings[name] : null);
  const batchSize = number('batchSize');
  const perEpoch = images !== undefined && batchSize ? epochSteps({ count: images, parts }, batchSize) : null;
  const epochs = number('epochs');
  const steps =
    perEpoch !== null && epochs !== null ? totalSteps({ epochs, steps: number('steps') ?? 0 }, perEpoch) : null;
  return {
    method: mode === undefined ? String(settings['method'] ?? 'simclr') : `supervised: ${mode}`,
    supervised: mode !== undefined,
    ...{ started, adapter, settings, steps, perEpoch, epochs },
  };
}
