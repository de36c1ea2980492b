/** `simclr eval propagate` on drawn clips that nobody has trained on, and what it refuses. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Evaluation } from '../../src/eval/evaluation.ts';
import { evalPropagate, type PropagateSettings } from '../../src/eval/propagate.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { findCheckpoint } from '../../src/train/find_checkpoint.ts';
import { run, scratchFolder, tiny } from '../cli/run.ts';
import { movingShapes, png, writeMovingShapes, writeShapeMasks } from '../moving_shapes.ts';
import { adapters } from '../ops/harness.ts';

const folder = scratchFolder();
const [seen, clips, masks] = ['seen', 'clips', 'masks'].map((name) => join(folder, name));
const [video, exported] = [join(folder, 'video'), join(folder, 'encoder.safetensors')];
const adapter = ['--adapter', adapters[0] ?? 'none'];
const [side, length] = [16, 5];
/** Two clips, other ones than those that are trained on. */
const unseen = [2, length, side, 9] as const;
let gpu: Gpu;

beforeAll(async () => {
  writeMovingShapes(seen, 24, 6, side);
  writeMovingShapes(clips, ...unseen);
  writeShapeMasks(masks, ...unseen);
  const learn = ['--method', 'video-color', ...tiny, '--stem', 'cifar', '--batch-size', '8', '--references', '2'];
  const fast = ['--place-dim', '32', '--colors', '8', '--lr', '2e-3', '--epochs', '3'];
  const trained = await run('train', '--data', seen, ...learn, ...fast, '--out', video);
  expect(trained.code, trained.err).toBe(0);
  const made = await run('export', '--checkpoint', video, '--out', exported);
  expect(made.code, made.err).toBe(0);
  gpu = await Gpu.open({ adapter: adapters[0] });
});
afterAll(() => gpu?.destroy());

/** What a checkpoint makes of clips, without the command line. */
async function propagated(checkpoint: string, given: Partial<PropagateSettings> = {}, data = clips, more = {}) {
  const options = { checkpoint, batchSize: 8, cache: join(folder, 'cache'), ...more };
  const evaluation = Evaluation.open(gpu, options);
  try {
    return await evalPropagate(evaluation, data, { frameStep: 1, ...given });
  } finally {
    evaluation.destroy();
  }
}

interface Facts {
  readonly places: { by: string; stage: number; side: number; dimensions: number };
  readonly frames: number;
  readonly temperature: number;
  readonly mean: { carried: number; samePlace: number };
  readonly clips: readonly {
    readonly clip: string;
    readonly frames: number;
    readonly measured: number;
    readonly carried: number;
    readonly samePlace: number;
    readonly objects: readonly { color: string; carried: number }[];
  }[];
}
const factsOf = ({ json }: { readonly json: object }) => json as Facts;

/** |A ∩ B| / |A ∪ B| of what is white. */
function overlap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const pixels = Array.from(a, (value, i) => [value > 0, b[i] > 0]);
  return pixels.filter(([x, y]) => x && y).length / pixels.filter(([x, y]) => x || y).length;
}

describe('masks', () => {
  it('of unseen clips are carried better than left where they are; the numbers are those of the files', async () => {
    const out = join(folder, 'out');
    const given = ['--checkpoint', video, '--data', clips, '--masks', masks, '--out', out, ...adapter];
    const { code, out: told, err } = await run('eval', 'propagate', ...given);
    expect(code, err).toBe(0);
    const facts: Facts = JSON.parse(readFileSync(join(out, 'propagate.json'), 'utf8'));
    expect(facts.places).toEqual({ by: 'trained', stage: 1, side, dimensions: 32 });
    expect([facts.frames, facts.temperature]).toEqual([2, 0.07]);
    const set = movingShapes(...unseen);
    const maskOf = (clip: string, t: number) => set.mask(set.files!.indexOf(`${clip}/frame ${t}.png`));
    for (const { clip, carried, samePlace, frames, measured, objects } of facts.clips) {
      const behind = Array.from({ length: length - 1 }, (_, i) => i + 1);
      const mean = (of: (t: number) => number) => behind.reduce((sum, t) => sum + of(t), 0) / behind.length;
      const labels = (t: number) => {
        const { data, width } = PNG.sync.read(readFileSync(join(out, 'labels', clip, `frame ${t}.png`)));
        expect(width).toBe(side);
        return data.filter((_, i) => i % 4 === 0);
      };
      expect([frames, measured]).toEqual([length, length - 1]);
      expect(Array.from(labels(0), Number)).toEqual(Array.from(maskOf(clip, 0), (value) => 255 * value));
      expect(carried).toBeCloseTo(mean((t) => overlap(labels(t), maskOf(clip, t))));
      expect(samePlace).toBeCloseTo(mean((t) => overlap(maskOf(clip, 0), maskOf(clip, t))));
      expect(objects).toEqual([{ color: '#ffffff', carried, samePlace }]);
      expect(told).toContain(`${(100 * carried).toFixed(2)}`);
    }
    expect(facts.mean.carried).toBeCloseTo((facts.clips[0].carried + facts.clips[1].carried) / 2);
    console.info(`J ${facts.mean.carried.toFixed(3)}, of the same place ${facts.mean.samePlace.toFixed(3)}`);
    expect(facts.mean.carried).toBeGreaterThan(facts.mean.samePlace + 0.15);
    expect(told).toMatch(/^written .*: propagate\.json, propagate\.png, labels\/ \(10 files\)$/m);
    expect(PNG.sync.read(readFileSync(join(out, 'propagate.png'))).width).toBeGreaterThan(300);
  });

  it('go by the trained embedding, unless a stage is asked for', async () => {
    const checkpoint = findCheckpoint(video, () => {});
    const { tensors, metadata } = readSafetensors(checkpoint);
    for (const [name, tensor] of tensors)
      if (name.includes('places.lateral'))
        tensors.set(name, { ...tensor, data: new Float32Array(tensor.data.length) } as typeof tensor);
    const blank = join(folder, 'blank.safetensors');
    writeSafetensors(blank, tensors, metadata);
    // All places are alike then, and have the mean: less than half of the object.
    const alike = factsOf(await propagated(blank, { masks }));
    expect([alike.places.by, alike.mean.carried]).toEqual(['trained', 0]);
    const [own, same] = [checkpoint, blank].map((path) => propagated(path, { masks, stage: 2 }));
    const { places, mean, temperature } = factsOf(await own);
    expect(places).toEqual({ by: 'map', stage: 2, side: 8, dimensions: 32 });
    expect(temperature).toBe(0.02);
    expect(mean.carried).toBeGreaterThan(0);
    expect(factsOf(await same).mean).toEqual(mean);
  });

  it('a file is the mask of the first clip; what has no mask is not measured', async () => {
    const file = join(masks, 'clip 0', 'frame 0.png');
    const { rows, notes, files, json } = await propagated(exported, { masks: file, frameStep: 2 });
    expect(rows).toEqual([['clip 0', '3', '1', '–', '–']]);
    expect(notes).toEqual([
      'there are no masks of frames behind the first to compare with',
      'left out: 1 clip without a mask of the first frame',
    ]);
    expect(json).not.toHaveProperty('mean');
    expect(Object.keys(files)).toEqual(['propagate.png', ...[0, 2, 4].map((t) => `labels/clip 0/frame ${t}.png`)]);
  });

  it('frames in the folder itself are one clip', async () => {
    const { json, files } = await propagated(exported, { masks: join(masks, 'clip 1') }, join(clips, 'clip 1'));
    expect(factsOf({ json }).clips).toMatchObject([{ clip: '.', frames: length, measured: length - 1 }]);
    expect(Object.keys(files)).toContain('labels/frame 4.png');
  });
});

describe('colours', () => {
  it('are carried without a mask, by any encoder; one that sees them is told of', async () => {
    const { title, header, json, notes, files } = await propagated(exported);
    expect(title).toContain('its map of 16×16 places (stage 1)');
    expect(header).toEqual(['clip', 'frames', 'carried', 'same place']);
    const { mean, frames, temperature } = factsOf({ json });
    expect([frames, temperature]).toEqual([4, 0.02]);
    expect(mean.carried).toBeLessThan(mean.samePlace);
    expect(notes.join()).not.toContain('sees the colours');
    expect(Object.keys(files)).toEqual(['propagate.png']);
    const sighted = join(folder, 'sighted.safetensors');
    const { tensors, metadata } = readSafetensors(exported);
    writeSafetensors(sighted, tensors, { ...metadata, input: 'rgb' });
    expect((await propagated(sighted)).notes).toContain(
      'this encoder sees the colours that are carried, and may go by them alone',
    );
  });
});

describe('what is refused, in a line', () => {
  /** Masks of a folder like `masks`, one of which is another picture. */
  const masksWith = (name: string, picture: Buffer) => {
    const copy = join(folder, name);
    cpSync(masks, copy, { recursive: true });
    writeFileSync(join(copy, 'clip 0', 'frame 0.png'), picture);
    return copy;
  };
  const plain = (width: number, height: number) => PNG.sync.write(new PNG({ width, height }));

  it('masks that are none', async () => {
    const refused = (given: string) => expect(propagated(exported, { masks: given })).rejects;
    const none = join(folder, 'nothing');
    await refused(none).toThrow(`--masks ${none}: no such file or folder`);
    await refused(masksWith('black', plain(side, side))).toThrow('frame 0.png: no object in the middle square');
    await refused(masksWith('long', plain(2 * side, side))).toThrow(
      /frame 0\.png: is 32×16 and its frame .* 16×16; give/,
    );
    const grey = Uint8Array.from({ length: side * side }, (_, i) => i);
    await refused(masksWith('photo', png(grey, side, 1))).toThrow(
      'frame 0.png: has 255 colours beside black, and a mask at most 15',
    );
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    await refused(empty).toThrow(
      `--masks ${empty}: no mask of the first frame of any clip; looked for ${join(empty, 'clip 0', 'frame 0.png')}, …`,
    );
  });

  it('masks among the frames, unless they are excluded', async () => {
    const both = join(folder, 'both');
    cpSync(clips, both, { recursive: true });
    const mask = join(both, 'clip 0', 'mask.png');
    cpSync(join(masks, 'clip 0', 'frame 0.png'), mask);
    await expect(propagated(exported, { masks: mask }, both)).rejects.toThrow(
      `--masks ${mask}: clip 0/mask.png of ${both} is there, and was taken for a frame; keep masks elsewhere, or leave`,
    );
    const { rows } = await propagated(exported, { masks: mask }, both, { exclude: ['mask.png'] });
    expect(rows).toHaveLength(1);
  });

  it('folders without clips', async () => {
    await expect(propagated(exported, { frameStep: length })).rejects.toThrow(
      `--frame-step ${length}: no clip of ${clips} has more than ${length} frames`,
    );
    const single = join(folder, 'single');
    const frame = join(single, 'a', '1.png');
    mkdirSync(dirname(frame), { recursive: true });
    cpSync(join(clips, 'clip 0', 'frame 0.png'), frame);
    await expect(propagated(exported, {}, single)).rejects.toThrow('needs clips, and every folder in it has one image');
    rmSync(frame);
    await expect(propagated(exported, {}, single)).rejects.toThrow('no photos here or in its subfolders');
  });

  it('stages and sizes that the encoder has no places for', async () => {
    await expect(propagated(exported, { stage: 5 })).rejects.toThrow('--stage 5: the encoder has stages 1 to 4');
    await expect(propagated(exported, { stage: 2 }, clips, { imageSize: 17 })).rejects.toThrow(
      '--image-size (17) must be a multiple of 2, the pixels of a place of stage 2; give one that is, or another --stage',
    );
    await expect(propagated(exported, { stage: 1 }, clips, { imageSize: 256 })).rejects.toThrow(
      /^stage 1: 256×256 places that point at those of 4 frames take 64\.0 GiB, but '.*' binds at most .*; give a coarser --stage, fewer --frames or a smaller --image-size$/,
    );
    const wide = await propagated(exported, { stage: 3 }, clips, { imageSize: 32 });
    expect(factsOf(wide).places.side).toBe(8);
  });

  it('with the exit codes of other commands, and nothing written', async () => {
    const out = join(folder, 'refused');
    const given = ['eval', 'propagate', '--checkpoint', exported, '--data', clips, '--out', out, ...adapter];
    const cases: [string[], RegExp][] = [
      [['--masks', join(folder, 'nothing')], /^simclr: --masks .*: no such file or folder$/m],
      [['--stage', '9'], /^simclr: --stage 9: the encoder has stages 1 to 4$/m],
      [['--temperature', '0'], /--temperature.*Give a number from 0.001 to 1000/],
    ];
    for (const [more, message] of cases) {
      const { code, err } = await run(...given, ...more);
      expect(err).toMatch(message);
      expect(code, err).toBe(2);
    }
    const head = await run(...['eval', 'propagate', '--checkpoint', video, '--data', clips], '--from-head-layer', '1');
    expect([head.code, head.err]).toEqual([2, expect.stringContaining('has no projection head with a hidden layer')]);
    expect(existsSync(out)).toBe(false);
  });
});
