/** What the command line says of methods that learn from texts, before anything is opened. In the process of the test. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { simclr } from '../../src/cli/program.ts';
import { checkDataOptions } from '../../src/cli/train_data.ts';
import { simcse } from '../../src/methods/simcse.ts';
import { readEncoderTensors } from '../../src/train/encoder_file.ts';
import { withRecipe } from '../../src/train/recipe.ts';
import { readSequenceEncoder } from '../../src/train/sequence_encoder_file.ts';
import { settingFlags } from '../../src/train/setting_flags.ts';
import { parseSettings, parseValues } from '../../src/train/settings.ts';
import { readEncoderOfTexts, readTextEncoder } from '../../src/train/text_encoder_file.ts';
import { madeSettings, writeCheckpoint, zeroTensors } from '../train/made.ts';
import { scratchFolder } from './run.ts';

const folder = scratchFolder();
const inProcess = (...args: string[]) => simclr(args).parseAsync(args, { from: 'user' });

describe('train', () => {
  it.each([
    [{ architecture: 'resnet50', cropMin: 0.5 }, '--architecture, --crop-min: method simcse learns from texts'],
    [{ imageSize: 64 }, '--image-size: method simcse learns from texts, which have no use for it; omit it'],
    [{ width: 0.5 }, '--width: method simcse learns from texts, which have no use for it; omit it'],
  ] as const)('%o: settings of images are refused', (given, message) => {
    expect(() => parseValues({ method: 'simcse', ...given })).toThrow(message);
  });

  it('defaults of a run of minutes have none of images, so that its flags can be given again', () => {
    const where = { software: true, sample: false };
    const settings = parseSettings(withRecipe({ method: 'simcse', steps: 9 }, where));
    const flags = settingFlags(settings, where).join(' ');
    expect(flags).toContain('--method simcse');
    expect(flags).not.toContain('image-size');
    const words = flags.split(' ');
    const again = Object.fromEntries(
      words.flatMap((word, i) => (word === '--steps' || word === '--method' ? [[word.slice(2), words[i + 1]]] : [])),
    );
    expect(parseValues({ method: again['method'], steps: Number(again['steps']) })).toMatchObject({ steps: 9 });
  });

  it('there is no sample set of texts, and no weights of images to start from', () => {
    expect(() => checkDataOptions(simcse, {})).toThrow(
      '--data is missing: give a file of texts: plain text (.txt), a text a line, or a table (.csv, .tsv, .jsonl)',
    );
    expect(() => checkDataOptions(simcse, { data: 'x', preset: 'stl10' })).toThrow(
      '--preset: only for methods that learn from images, and simcse learns from texts; omit it',
    );
    expect(() => checkDataOptions(simcse, { data: 'x' })).not.toThrow();
  });

  it('help has what a method of texts is given, and nothing of images', async () => {
    const parts: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => parts.push(String(text)) > 0);
    await expect(inProcess('train', '--method', 'simcse', '--help')).rejects.toThrow();
    vi.restoreAllMocks();
    const help = parts.join('').replace(/\s+/g, ' ');
    for (const text of ['--pooling <', '--dropout <', '--text-augmentation <', 'a file of texts: plain text (.txt)'])
      expect(help).toContain(text);
    for (const flag of ['--architecture', '--crop-min', '--split', '--width', '--window'])
      expect(help).not.toContain(`${flag} <`);
  });
});

describe('a checkpoint of a run on texts', () => {
  const file = join(folder, 'run.safetensors');
  const settings = parseSettings({ method: 'simcse', textWidth: 16, textLayers: 1, textHeads: 2, contextLength: 8 });
  const facts = { count: 9, classes: 0, merges: [100, 101], texts: { columns: 2 as const } };
  writeCheckpoint(file, settings, 2, zeroTensors(settings, facts), facts);

  it('says what its encoder is, and how many texts a row had', () => {
    const found = readTextEncoder(file)!;
    expect(found.description).toBe('a transformer of 1 block of 16 numbers, 260 tokens, cls of up to 8');
    expect(found.checkpoint.images).toEqual(facts);
    expect(readSequenceEncoder(file)).toBeUndefined();
  });

  it('is no encoder of images: one line that says what there is for it', () => {
    expect(() => readEncoderTensors(file)).toThrow(
      `${file}: its encoder takes texts, and one that takes images is needed here; what there is for it: embed, eval linear, eval knn, eval similarity, eval search`,
    );
  });

  it('options of images are refused in one line', async () => {
    const table = join(folder, 'a.csv');
    writeFileSync(table, 'text,label\n');
    await expect(inProcess('eval', 'knn', '--checkpoint', file, '--data', table, '--image-size', '32')).rejects.toThrow(
      '--image-size: the encoder takes texts, which have no use for it; omit it',
    );
    const refused = '--split: the encoder takes texts, which have no use for it; omit it';
    const given = ['--checkpoint', file, '--data', table, '--split', 'train'];
    await expect(inProcess('embed', ...given)).rejects.toThrow(refused);
    await expect(inProcess('eval', 'search', '--text', 'a cat', ...given)).rejects.toThrow(refused);
  });

  it('one of images is none of texts', async () => {
    const other = join(folder, 'images.safetensors');
    const made = madeSettings({ width: 0.25 });
    writeCheckpoint(other, made, 2, zeroTensors(made));
    expect(readTextEncoder(other)).toBeUndefined();
    const message = `${other}: its encoder takes images, and one that takes texts is needed here; give a run`;
    expect(() => readEncoderOfTexts(other)).toThrow(message);
    await expect(inProcess('eval', 'similarity', '--checkpoint', other, '--data', 'pairs.csv')).rejects.toThrow(
      message,
    );
  });
});
