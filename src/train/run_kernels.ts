import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../data/files.ts';
import type { Gpu } from '../gpu/device.ts';

/** `kernels.json` in the folder of a run or an experiment: the variants that were chosen by measurement, null where the fixed table was used. */
const schema = z.strictObject({
  adapter: z.string(),
  driver: z.string(),
  variants: z.record(z.string(), z.string()).nullable(),
});

export type RunKernels = z.infer<typeof schema>;

const fileName = 'kernels.json';

/**
 * The kernels with which a run was started, for going on with the very same: another variant adds in another order. Undefined
 * where nothing is recorded, or for another adapter or driver.
 */
export function readRunKernels(folder: string, { traits, adapter }: Gpu): RunKernels | undefined {
  const file = join(folder, fileName);
  if (!existsSync(file)) return undefined;
  const parsed = schema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) return undefined;
  const same = parsed.data.adapter === traits.adapter && parsed.data.driver === adapter.info.description;
  return same ? parsed.data : undefined;
}

/** Records what a run's programs were compiled with. */
export function writeRunKernels(folder: string, { traits, adapter }: Gpu, variants: RunKernels['variants']): void {
  const record: RunKernels = { adapter: traits.adapter, driver: adapter.info.description, variants };
  writeFileAtomic(join(folder, fileName), `${JSON.stringify(record, null, 1)}\n`);
}
