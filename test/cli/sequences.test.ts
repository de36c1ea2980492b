/** What the command line says of methods that learn from sequences, before anything is opened. In the process of the test. */
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { simclr } from '../../src/cli/program.ts';
import { checkDataOptions } from '../../src/cli/train_data.ts';
import { cpc1d } from '../../src/methods/cpc_1d.ts';
import { simclr as images } from '../../src/methods/simclr.ts';
import { readEncoderTensors } from '../../src/train/encoder_file.ts';
import { exportEncoder } from '../../src/train/export.ts';
import { withRecipe } from '../../src/train/recipe.ts';
import { readSequenceEncoder } from '../../src/train/sequence_encoder_file.ts';
import { settingFlags } from '../../src/train/setting_flags.ts';
import { parseSettings, parseValues } from '../../src/train/settings.ts';
import { madeSettings, writeCheckpoint, zeroTensors } from '../train/made.ts';
import { scratchFolder } from './run.ts';

const folder = scratchFolder();
const file = join(folder, 'run.safetensors');

describe('train', () => {
  it.each([
    [{ architecture: 'resnet50', cropMin: 0.5 }, '--architecture, --crop-min: method cpc-1d learns from sequences'],
    [{ imageSize: 64 }, '--image-size: method cpc-1d learns from sequences, which have no use for it; omit it'],
  ] as const)('%o: settings of images are refused', (given, message) => {
    expect(() => parseValues({ method: 'cpc-1d', ...given })).toThrow(message);
  });

  it('settings of sequences and of any encoder are not, nor those of images where it learns from them', () => {
    expect(parseValues({ method: 'cpc-1d', window: 320, width: 0.5, lr: 0.1 })).toMatchObject({ window: 320 });
    expect(parseValues({ method: 'simclr', architecture: 'resnet50' })).toMatchObject({ architecture: 'resnet50' });
  });

  it('defaults of a run of minutes have none of images, so that its flags can be given again', () => {
    const where = { software: true, sample: false };
    const settings = parseSettings(withRecipe({ method: 'cpc-1d', steps: 9 }, where));
    const flags = settingFlags(settings, where).join(' ');
    expect(flags).toContain('--method cpc-1d --batch-size 16 --steps 9 --lr 0.001');
    expect(flags).not.toContain('image-size');
    expect(parseSettings(withRecipe({ method: 'simclr' }, where))).toMatchObject({ imageSize: 32 });
  });

  it('there is no sample set of sequences, and no weights to start from', () => {
    expect(() => checkDataOptions(cpc1d, {})).toThrow(
      '--data is missing: give a folder of sequences (WAV, or NumPy arrays (.npy)',
    );
    expect(() => checkDataOptions(cpc1d, { data: 'x', preset: 'stl10', init: 'y' })).toThrow(
      '--preset, --init: only for methods that learn from images, and cpc-1d learns from sequences; omit it',
    );
    expect(() => checkDataOptions(cpc1d, { data: 'x' })).not.toThrow();
    expect(() => checkDataOptions(images, { preset: 'stl10', init: 'y' })).not.toThrow();
  });

  it('help has what a method of sequences is given, and nothing of images', async () => {
    const parts: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => parts.push(String(text)) > 0);
    const args = ['train', '--method', 'cpc-1d', '--help'];
    await expect(simclr(args).parseAsync(args, { from: 'user' })).rejects.toThrow();
    vi.restoreAllMocks();
    const help = parts.join('').replace(/\s+/g, ' ');
    for (const text of ['--window <number>', '--width <number>', 'a folder of sequences (WAV'])
      expect(help).toContain(text);
    for (const flag of ['--architecture', '--crop-min', '--split', '--grayscale'])
      expect(help).not.toContain(`${flag} <`);
  });
});

it('compare takes methods of images only', async () => {
  const args = ['compare', '--methods', 'simclr,cpc-1d', '--steps', '2', '--data', folder];
  await expect(simclr(args).parseAsync(args, { from: 'user' })).rejects.toThrow(
    '--methods simclr,cpc-1d: cpc-1d learns from sequences, and only methods that learn from images are compared',
  );
});

describe('a checkpoint of a run on sequences', () => {
  const settings = parseSettings({
    method: 'cpc-1d',
    window: 160,
    strides: '5,4',
    predictionSteps: 2,
    contextDim: 16,
    width: 0.25,
  });
  const facts = { count: 9, classes: 0, sequences: { channels: 2, sampleRate: 8000 } };
  writeCheckpoint(file, settings, 2, zeroTensors(settings, facts), facts);

  it('says what its encoder takes', () => {
    expect(readSequenceEncoder(file)).toMatchObject({ window: 160, channels: 2, sampleRate: 8000 });
  });

  it('is no encoder of images: one line', () => {
    const message = `${file}: its encoder takes sequences, and one that takes images is needed here`;
    expect(() => readEncoderTensors(file)).toThrow(message);
    expect(() => exportEncoder(file, join(folder, 'encoder.safetensors'))).toThrow(message);
  });

  it('one of images is no encoder of sequences', () => {
    const other = join(folder, 'images.safetensors');
    const made = madeSettings({ width: 0.25 });
    writeCheckpoint(other, made, 2, zeroTensors(made));
    expect(readSequenceEncoder(other)).toBeUndefined();
  });
});
