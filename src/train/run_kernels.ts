import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Gpu } from '../gpu/device.ts';
import { writeFileAtomic } from '../io/files.ts';
import { readChecked } from '../io/json_files.ts';

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
 * where nothing is recorded, or for another adapter or driver. UserError: the record is damaged.
 */
export function readRunKernels(folder: string, { traits, adapter }: Gpu): RunKernels | undefined {
  const file = join(folder, fileName);
  if (!existsSync(file)) return undefined;
  const remedy =
    'restore the file, or delete it to have kernels chosen again (results may then differ in the last bits)';
  const found = readChecked(schema, file, remedy);
  return found.adapter === traits.adapter && found.driver === adapter.info.description ? found : undefined;
}

/** Records what a run's programs were compiled with. */
export function writeRunKernels(folder: string, { traits, adapter }: Gpu, variants: RunKernels['variants']): void {
  const record: RunKernels = { adapter: traits.adapter, driver: adapter.info.description, variants };
  writeFileAtomic(join(folder, fileName), `${JSON.stringify(record, null, 1)}\n`);
}
