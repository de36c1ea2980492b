/** Tiny trainings on labels with `--precision f16`: what the fast and the long tests of them share. */
import { join } from 'node:path';
import type { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { readSafetensors } from '../../src/io/safetensors.ts';
import { ResNet } from '../../src/nn/resnet.ts';
import { entriesOf, readEntries, type TorchTensor } from '../../src/nn/state_dict.ts';
import {
  classifierFile,
  parseSupervisedSettings,
  type SupervisedMode,
  type SupervisedOptions,
  type SupervisedResult,
  trainSupervised,
} from '../../src/train/supervised.ts';
import { drawn } from './drawn.ts';

const size = 16;
export const data = { train: drawn('train', 24, size), test: drawn('test', 12, size) };
export const half = { precision: 'f16' } as const;
export const settingsOf = (more: object) =>
  parseSupervisedSettings({ imageSize: size, batchSize: 12, epochs: 2, seed: 3, ...more });

/** Numbers of a result that do not depend on the clock. */
export const numbers = (result: SupervisedResult) =>
  JSON.parse(JSON.stringify(result, (key, value) => (/seconds$|imagesPerSecond/i.test(key) ? undefined : value)));
export const model = (folder: string, name: string) => readSafetensors(classifierFile(join(folder, name))).tensors;
type Tensors = ReturnType<typeof readSafetensors>['tensors'];
/** Names of tensors that are not, bit for bit, the same in both. (`toEqual` takes seconds for ten million numbers.) */
export const different = (a: Tensors, b: Tensors): string[] =>
  [...a.keys()].filter((key) => !bytes(a.get(key)!.data).equals(bytes(b.get(key)!.data)));
const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength);

async function firstEncoder(gpu: Gpu): Promise<Map<string, TorchTensor>> {
  const state = new State(gpu);
  try {
    return await readEntries(state, entriesOf(new ResNet({ architecture: 'resnet18', stem: 'imagenet', seed: 77 })));
  } finally {
    state.destroy();
  }
}

/** Trainings from one encoder with random weights, in folders below `folder`. */
export function halfTrainings(gpu: () => Gpu, folder: string) {
  const needsF16 = (skip: (note: string) => void) => {
    if (!gpu().traits.features.has('shader-f16')) skip("the adapter has no 'shader-f16'");
  };

  let encoder: Map<string, TorchTensor> | undefined;
  const initial = async () => {
    encoder ??= await firstEncoder(gpu());
    return encoder;
  };
  const run = async (
    mode: SupervisedMode,
    name: string,
    settings: object,
    options: Partial<SupervisedOptions> = {},
  ) => {
    const given = { folder: join(folder, name), encoder: await initial(), ...options };
    return trainSupervised(gpu(), data, mode, settingsOf(settings), given);
  };
  return { needsF16, run, initial };
}
