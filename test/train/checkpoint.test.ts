/** Every reader of a checkpoint or an encoder looks at all of its tensors, and names the first one that is wrong. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import type { StoredTensor } from '../../src/io/safetensors.ts';
import { newestCheckpoint, newestStep, readCheckpoint } from '../../src/train/checkpoint.ts';
import { readEncoderFile, readEncoderTensors } from '../../src/train/encoder_file.ts';
import { exportEncoder } from '../../src/train/export.ts';
import { RunFolder } from '../../src/train/run_folder.ts';
import type { TrainSettings } from '../../src/train/settings.ts';
import { madeSettings, writeCheckpoint, writeFormerCheckpoint, zeroTensors } from './made.ts';

const folder = mkdtempSync(join(tmpdir(), 'simclr-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings = madeSettings();
const whole = zeroTensors(settings);
const file = join(folder, 'checkpoints', 'step-00000002.safetensors');
mkdirSync(join(folder, 'checkpoints'));

/** Writes a checkpoint of which one thing is wrong. */
function damaged(change: (tensors: Map<string, StoredTensor>) => void, saved: Partial<TrainSettings> = {}): void {
  const tensors = new Map(whole);
  change(tensors);
  writeCheckpoint(file, { ...settings, ...saved }, 2, tensors);
}

/** Tensors of networks have a prefix in the file, which those that read the encoder alone do not name. */
const inFile = (name: string): string => (name.startsWith('optimizer.') ? name : `module.${name}`);

const changed = (name: string, change: Partial<StoredTensor>) => (tensors: Map<string, StoredTensor>) =>
  void tensors.set(inFile(name), { ...tensors.get(inFile(name))!, ...change });

const withValue = (name: string, at: number, value: number) =>
  changed(name, { data: new Float32Array(whole.get(inFile(name))!.data.length).fill(value, at, at + 1) });

/** What reads the encoder alone: `embed`, `eval`, `--init`. */
const encoderReaders = [() => readEncoderFile(file), () => readEncoderTensors(file)];
/** What reads all: `export`, the experiment, `--resume`, a run's folder for any of them. */
const readers = [
  () => readCheckpoint(file),
  () => newestCheckpoint(new RunFolder(folder), {}),
  () => exportEncoder(file, join(folder, 'encoder.safetensors')),
];

function refused(calls: readonly (() => unknown)[], message: string | RegExp): void {
  for (const call of calls) {
    let told = '';
    try {
      call();
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      told = (error as Error).message.replaceAll("'module.", "'");
    }
    if (typeof message === 'string') expect(told).toContain(message);
    else expect(told).toMatch(message);
  }
  expect(existsSync(join(folder, 'encoder.safetensors'))).toBe(false);
}

describe('a checkpoint', () => {
  it.each<[string, Parameters<typeof damaged>, string]>([
    [
      'with a weight in another layout',
      [changed('conv1.weight', { shape: [7, 7, 3, 64] })],
      "tensor 'conv1.weight' has shape [7, 7, 3, 64], expected [64, 3, 7, 7]; the file is damaged, or of another",
    ],
    [
      'without a tensor',
      [(tensors) => tensors.delete('module.layer2.0.bn1.running_var')],
      "tensor 'layer2.0.bn1.running_var' is missing, expected [128];",
    ],
    [
      'with whole numbers for weights',
      [changed('bn1.weight', { dtype: 'I32', data: new Int32Array(64) })],
      "tensor 'bn1.weight' has dtype I32, expected F32, F16, BF16, F64;",
    ],
    [
      'with NaN',
      [withValue('layer3.0.conv1.weight', 77, Number.NaN)],
      "tensor 'layer3.0.conv1.weight' has a value that is not finite (element 77 is NaN);",
    ],
    [
      'with infinity',
      [withValue('bn1.running_mean', 3, Number.NEGATIVE_INFINITY)],
      "tensor 'bn1.running_mean' has a value that is not finite (element 3 is -Infinity);",
    ],
    [
      'whose settings are of a larger network',
      [() => {}, { architecture: 'resnet34' }],
      "tensor 'layer1.2.conv1.weight' is missing, expected [64, 64, 3, 3];",
    ],
    [
      'whose settings are of another stem',
      [() => {}, { stem: 'cifar' }],
      "tensor 'conv1.weight' has shape [64, 3, 7, 7], expected [64, 3, 3, 3];",
    ],
    [
      'with tensors of a larger network',
      [(tensors) => tensors.set('module.layer1.2.conv1.weight', tensors.get('module.layer1.1.conv1.weight')!)],
      "has a tensor 'layer1.2.conv1.weight', which ",
    ],
  ])('%s', (_, damage, message) => {
    damaged(...damage);
    refused([...readers, ...encoderReaders], `${file}: ${message}`);
  });

  it('whose moments or projection head are damaged trains nothing, and its encoder may be read', () => {
    damaged(withValue('optimizer.main.momentum_buffer.fc.0.bias', 1, Number.NaN));
    expect(newestStep(new RunFolder(folder))).toBeUndefined();
    refused(
      readers,
      "tensor 'optimizer.main.momentum_buffer.fc.0.bias' has a value that is not finite (element 1 is NaN)",
    );
    for (const read of encoderReaders) expect(read).not.toThrow();
    damaged((tensors) => tensors.delete('module.fc.2.bias'));
    refused(readers, "tensor 'fc.2.bias' is missing, expected [8];");
    damaged(withValue('fc.2.bias', 0, Number.NaN));
    refused([() => readEncoderTensors(file)], "tensor 'fc.2.bias' has a value that is not finite");
  });

  it('that is whole is read, and exported', () => {
    damaged(() => {});
    expect(newestStep(new RunFolder(folder))).toBe(2);
    for (const read of [...readers, ...encoderReaders]) expect(read).not.toThrow();
    expect(existsSync(join(folder, 'encoder.safetensors'))).toBe(true);
  });

  it('of the first version is the same under its former names', () => {
    damaged(() => {});
    const now = readCheckpoint(file);
    writeFormerCheckpoint(file, settings, 2, whole);
    const then = readCheckpoint(file);
    expect(then.settings).toEqual(now.settings);
    expect([...then.tensors.keys()].sort()).toEqual([...now.tensors.keys()].sort());
    expect(then.progress).toEqual({ step: 2, sums: { loss: 1.5, accuracy: 0.5 } });
    for (const read of [...readers, ...encoderReaders]) expect(read).not.toThrow();
  });

  it('of a method that only another program knows gives its encoder', () => {
    writeCheckpoint(file, { ...settings, method: 'mine', strength: 3 }, 2, whole);
    expect(readCheckpoint(file).settings.method).toBe('mine');
    for (const read of [...readers, ...encoderReaders]) expect(read).not.toThrow();
    rmSync(join(folder, 'encoder.safetensors'));
    damaged(withValue('conv1.weight', 0, Number.NaN), { method: 'mine' });
    refused([...readers, ...encoderReaders], "tensor 'conv1.weight' has a value that is not finite");
  });
});
