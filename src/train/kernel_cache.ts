import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { Tuner, type Tuning, type TuningCache, type TuningEvents } from '../graph/autotune.ts';
import { useVariantTuner } from '../graph/variant_tuner.ts';
import { cacheFolder } from '../io/cache_folder.ts';
import { writeFileAtomic } from '../io/files.ts';

const cacheSchema = z.strictObject({
  version: z.literal(1),
  adapter: z.string(),
  driver: z.string(),
  /** Op, shapes, types, attributes and variants → what was found. */
  found: z.record(
    z.string(),
    z.strictObject({ variant: z.string(), code: z.string(), milliseconds: z.record(z.string(), z.number()) }),
  ),
});

/** What findings hold for. A software adapter has one name on all processors: theirs goes with the driver's. */
function deviceOf({ traits, adapter }: Gpu): { adapter: string; driver: string } {
  const processors = cpus();
  const on = traits.software ? ` on ${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}` : '';
  return { adapter: traits.adapter, driver: adapter.info.description + on };
}

/** Where findings about a device are kept: one file for each adapter and driver, and for each processor where that is the device. */
export function kernelCacheFile(gpu: Gpu, folder = cacheFolder()): string {
  const { adapter, driver } = deviceOf(gpu);
  const name = adapter.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const key = createHash('sha256').update(`${adapter}\n${driver}`).digest('hex').slice(0, 8);
  return join(folder, 'kernels', `${name}-${key}.json`);
}

/**
 * Findings in a file, written after each one, beside what other processes have found meanwhile: a killed run loses none. What
 * cannot be read counts as nothing.
 */
class FileCache implements TuningCache {
  private found: Record<string, Tuning>;
  private writable = true;

  constructor(
    private readonly file: string,
    private readonly device: { adapter: string; driver: string },
    private readonly onUnwritable: (message: string) => void,
  ) {
    this.found = this.load();
  }

  private load(): Record<string, Tuning> {
    try {
      const { adapter, driver, found } = cacheSchema.parse(JSON.parse(readFileSync(this.file, 'utf8')));
      return adapter === this.device.adapter && driver === this.device.driver ? found : {};
    } catch {
      return {};
    }
  }

  read(key: string): Tuning | undefined {
    return this.found[key];
  }

  write(key: string, tuning: Tuning): void {
    this.found = { ...this.load(), ...this.found, [key]: tuning };
    if (!this.writable) return;
    try {
      mkdirSync(dirname(this.file), { recursive: true });
      writeFileAtomic(this.file, `${JSON.stringify({ version: 1, ...this.device, found: this.found }, null, 1)}\n`);
    } catch (error) {
      this.writable = false;
      this.onUnwritable(`what was measured of kernels cannot be kept for the next run (${messageOf(error)})`);
    }
  }
}

export interface KernelEvents extends TuningEvents {
  onUnwritable?(message: string): void;
}

/** A software adapter takes a second or two to compile a variant: limits what that costs at the start of a run. */
const softwareLimits = { milliseconds: 5_000, leastFlops: 5e7 } as const;

/**
 * From now on the kernels of every program on this device are chosen by measurement: each variant is checked against another and
 * timed, once for each op and shape, on a software adapter for those that take longest; findings are kept in the user's cache folder.
 */
export function tuneKernels(gpu: Gpu, events: KernelEvents = {}, file = kernelCacheFile(gpu)): Tuner {
  const cache = new FileCache(file, deviceOf(gpu), (message) => events.onUnwritable?.(message));
  const tuner = new Tuner(gpu, cache, events, gpu.traits.software ? softwareLimits : {});
  useVariantTuner(gpu, tuner);
  return tuner;
}
