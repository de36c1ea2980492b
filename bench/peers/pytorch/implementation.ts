import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../../src/io/safetensors.ts';
import type { Implementation, Values } from '../../benchmark.ts';
import { Worker } from './worker.ts';

/** What a case says to PyTorch: tensors in our layouts, and numbers and names beside them. */
export interface Message {
  readonly tensors: Readonly<Record<string, StoredTensor>>;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** How far coarse results may be from ours: where a case has no wider bounds of its own. */
export type CoarseTolerance = (name: string) => number;

interface SettingInfo {
  readonly name: string;
  readonly coarse: boolean;
}

/** f32 numbers of a shape, as they are sent. */
export const f32 = (data: Float32Array, shape: readonly number[] = [data.length]): StoredTensor => ({
  dtype: 'F32',
  shape,
  data,
});

/** Operands of 11 bits make products of relative error up to 2⁻¹⁰, and sums of many that stay below it; twice that is allowed. */
const coarseProducts: CoarseTolerance = () => 2 ** -9;

let worker: Promise<Worker> | undefined;
const theWorker = (): Promise<Worker> => (worker ??= Worker.start());

async function withFile<T>(use: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'simclr-pytorch-'));
  try {
    return await use(join(folder, 'tensors.safetensors'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

class TorchImplementation implements Implementation {
  constructor(
    private readonly worker: Worker,
    readonly setting: string,
    /** What PyTorch's side calls it. */
    private readonly name: string,
    private readonly coarse: CoarseTolerance | undefined,
  ) {}

  first(): Promise<Values> {
    return withFile(async (file) => {
      await this.worker.ask({ do: 'first', setting: this.name, file });
      const { tensors } = readSafetensors(file);
      return new Map([...tensors].map(([name, { data }]) => [name, data as Float32Array]));
    });
  }

  async run(times: number): Promise<void> {
    await this.timed(times);
  }

  /** By Python's clock, between synchronisations of the device. */
  async timed(times: number): Promise<number> {
    const { ms } = await this.worker.ask({ do: 'again', setting: this.name, times });
    return ms as number;
  }

  tolerance(name: string, usual: number): number {
    return this.coarse ? Math.max(usual, this.coarse(name)) : usual;
  }

  /** Python lets go of a case when the next is opened. */
  destroy(): void {}
}

/** What there is: for the names of settings. */
interface Description {
  readonly torch: string;
  readonly device: string;
  readonly augmentation: string;
}

/**
 * PyTorch's settings for a case that `cases.py` knows. UserError: there is no PyTorch.
 *
 * @param coarse how far results of TF32 and float16 may be from ours
 * @param label what is added to a setting's name
 */
export async function openTorch(
  name: string,
  { tensors, attributes }: Message,
  coarse: CoarseTolerance = coarseProducts,
  label: (description: Description) => string = ({ device }) => (device === 'CPU' ? ', CPU' : ''),
): Promise<readonly Implementation[]> {
  const python = await theWorker();
  const description = (await python.ask({ do: 'describe' })) as unknown as Description;
  const { settings } = await withFile((file) => {
    writeSafetensors(file, Object.entries(tensors));
    return python.ask({ do: 'open', case: name, file, attributes });
  });
  return (settings as SettingInfo[]).map(
    (setting) =>
      new TorchImplementation(
        python,
        setting.name + label(description),
        setting.name,
        setting.coarse ? coarse : undefined,
      ),
  );
}
