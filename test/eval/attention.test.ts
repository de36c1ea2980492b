/** `eval attention` of a vision transformer: a column for each head of its class token; of other networks evaluation.full.test.ts. */
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, expect, it } from 'vitest';
import { imagenetColours } from '../../src/data/preparation.ts';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { evalAttention } from '../../src/eval/attention.ts';
import { Evaluation } from '../../src/eval/evaluation.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { makeEncoder } from '../../src/nn/encoders.ts';
import { saveEncoder } from '../../src/train/export.ts';
import { scratchFolder } from '../cli/run.ts';
import { adapters } from '../ops/harness.ts';

const folder = scratchFolder();
const images = join(folder, 'images');
let gpu: Gpu;
beforeAll(async () => {
  ensureSampleSet(images, { train: 10, test: 10, unlabeled: 10 });
  gpu = await Gpu.open({ adapter: adapters[0] });
  return () => gpu.destroy();
});

it.each(['rgb', 'standardized', 'lightness'] as const)(
  'draws the heads of its class token, input %s',
  async (input) => {
    const checkpoint = join(folder, `${input}.safetensors`);
    const state = new State(gpu);
    const shape = { architecture: 'vit_tiny', width: 0.25, stem: 'imagenet', patch: 4, imageSize: 32 } as const;
    await saveEncoder(state, makeEncoder({ ...shape, input, seed: 3 }), checkpoint, {
      imageSize: 32,
      ...imagenetColours,
    });
    state.destroy();
    const evaluation = Evaluation.open(gpu, { checkpoint, batchSize: 10, cache: join(folder, 'features'), events: {} });
    const { title, json, files } = await evalAttention(evaluation, images, { count: 3, split: 'train' });
    evaluation.destroy();
    expect(title).toMatch(
      /^attention of vit_tiny of width 0.25.*: class token of the last block, by heads, 3 pictures$/,
    );
    expect(json).toMatchObject({ heads: ['heads (8×8)', 'head 1 (8×8)', 'head 2 (8×8)', 'head 3 (8×8)'] });
    expect(json).not.toHaveProperty('stages');
    const sheet = PNG.sync.read(Buffer.from(files['attention.png'] as Uint8Array));
    expect(new Set(sheet.data).size).toBeGreaterThan(50);
  },
);
