/** Each evaluation on a small set, on the first adapter: its table says what its JSON says, and its files are there. */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imagenetColours, normalization } from '../../src/data/preparation.ts';
import { ensureSampleSet, sampleSet } from '../../src/data/sample/sample.ts';
import { evalAttention } from '../../src/eval/attention.ts';
import { evalKMeans, evalTsne } from '../../src/eval/clusters.ts';
import { Evaluation, type Outcome } from '../../src/eval/evaluation.ts';
import { evalFinetune } from '../../src/eval/finetune.ts';
import { evalKnn } from '../../src/eval/knn.ts';
import { evalLinear } from '../../src/eval/linear.ts';
import { evalLowLabel } from '../../src/eval/low_label.ts';
import { evalNeighbors } from '../../src/eval/neighbors.ts';
import { evalRobustness } from '../../src/eval/robustness.ts';
import { evalTransfer } from '../../src/eval/transfer.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { decodeNpy } from '../../src/io/npy.ts';
import { readSafetensors, writeSafetensors } from '../../src/io/safetensors.ts';
import { Classifier } from '../../src/nn/classifier.ts';
import { ResNet } from '../../src/nn/resnet.ts';
import { percent } from '../../src/report/numbers.ts';
import { saveClassifier } from '../../src/train/classifier_file.ts';
import { readEncoder, readEncoderFile } from '../../src/train/encoder_file.ts';
import { saveEncoder } from '../../src/train/export.ts';
import { describePreparation } from '../../src/train/preparation.ts';
import { parseSupervisedSettings } from '../../src/train/supervised.ts';
import { scratchFolder } from '../cli/run.ts';
import { resnet18 } from '../networks.ts';
import { adapters } from '../ops/harness.ts';

const folder = scratchFolder();
const stl10 = join(folder, 'stl10');
const photos = join(folder, 'photos');
const plain = join(folder, 'plain');
const checkpoint = join(folder, 'resnet18.safetensors');
const size = 16;
let gpu: Gpu;
let evaluation: Evaluation;
const cached: string[] = [];

/** PNG files of the drawn sample set. */
function drawPhotos(where: string, count: number, folderOf: (i: number) => string): void {
  const set = sampleSet('train', count);
  for (let i = 0; i < count; i++) {
    const png = new PNG({ width: set.width, height: set.height });
    const rgb = new Uint8Array(set.width * set.height * 3);
    set.read(i, rgb, 0);
    for (let p = 0; p < set.width * set.height; p++) png.data.set([...rgb.subarray(3 * p, 3 * p + 3), 255], 4 * p);
    mkdirSync(join(where, folderOf(i)), { recursive: true });
    writeFileSync(join(where, folderOf(i), `${i}.png`), PNG.sync.write(png));
  }
}

beforeAll(async () => {
  ensureSampleSet(stl10, { train: 50, test: 20, unlabeled: 10 });
  drawPhotos(photos, 30, (i) => ['round', 'square', 'other'][i % 3]);
  drawPhotos(plain, 7, () => '');
  gpu = await Gpu.open({ adapter: adapters[0] });
  const state = new State(gpu);
  await saveEncoder(state, new ResNet({ ...resnet18, seed: 3 }), checkpoint, { imageSize: size, ...imagenetColours });
  state.destroy();
  evaluation = Evaluation.open(gpu, {
    ...{ checkpoint, batchSize: 25, cache: join(folder, 'features') },
    events: { onCached: (set) => cached.push(set) },
  });
});
afterAll(() => {
  evaluation?.destroy();
  gpu?.destroy();
});

/** The results of an outcome; its charts are there, and rows are as wide as the header. */
function resultsOf<T>({ json, files, rows, header }: Outcome, name: string): T {
  for (const row of rows) expect(row).toHaveLength(header.length);
  const png = PNG.sync.read(Buffer.from(files[`${name}.png`] as Uint8Array));
  expect(png.width).toBeGreaterThan(60);
  expect(files[`${name}.svg`]).toMatch(/^<svg/);
  expect(JSON.parse(JSON.stringify(json))).toMatchObject({ encoder: { checkpoint, architecture: 'resnet18' } });
  return json['results'] as T;
}

describe('evaluations', () => {
  it('linear: the whole of train, and the ten folds', async () => {
    const all = await evalLinear(evaluation, stl10, {});
    const [result] = resultsOf<{ test: { accuracy: number }; chosen: number }[]>(all, 'linear');
    expect(all.rows).toHaveLength(1);
    expect(all.rows[0][3]).toBe(percent(result.test.accuracy));
    const folds = await evalLinear(evaluation, stl10, { folds: true, solver: 'sgd', lr: [0.1], l2: [0], epochs: 5 });
    const found = resultsOf<{ test: { accuracy: number } }[]>(folds, 'linear');
    const mean = found.reduce((sum, { test }) => sum + test.accuracy / 10, 0);
    expect(folds.rows).toHaveLength(11);
    expect(folds.rows[10][3]).toMatch(new RegExp(`^${percent(mean)} ± `));
    expect(cached).toContain('train');
  });

  it('knn: those k that there are images for, and one line for one too many', async () => {
    const outcome = await evalKnn(evaluation, stl10, { temperatures: [0.07, 0.5] });
    const results = resultsOf<{ k: number; temperature: number; mean: number }[]>(outcome, 'knn');
    expect(outcome.rows.map(([k]) => k)).toEqual(['1', '5', '10', '20', '50']);
    expect(outcome.rows[2][2]).toBe(percent(results.find((r) => r.k === 10 && r.temperature === 0.5)!.mean));
    await expect(evalKnn(evaluation, stl10, { k: [51], temperatures: [0.07] })).rejects.toThrow(
      '--k 51: there are only 50 training images',
    );
    expect((await evalKnn(evaluation, stl10, { temperatures: [0.07], folds: true })).rows[0][1]).toMatch(/ ± /);
  });

  it('kmeans: as many clusters as classes, agreement on both sets', async () => {
    const outcome = await evalKMeans(evaluation, stl10, { restarts: 3, iterations: 50, seed: 1 });
    const results = resultsOf<{ accuracy: number; nmi: number; counts: number[] }[]>(outcome, 'kmeans');
    expect(results[0].counts.reduce((a, b) => a + b)).toBe(50);
    expect(outcome.rows[1].slice(1, 4)).toEqual(['20', percent(results[1].accuracy), percent(results[1].nmi)]);
    expect(results[0].accuracy).toBeGreaterThan(0.15);
  });

  it('tsne: a point for each image, with labels and without', async () => {
    const settings = { points: 1e9, on: 'train', seed: 1, iterations: 60 } as const;
    const { files, json, rows, title } = await evalTsne(evaluation, stl10, settings);
    const pieces = files['tsne.npy'] as Uint8Array[];
    const { shape, data } = decodeNpy(Buffer.concat(pieces));
    expect(shape).toEqual([50, 2]);
    const lines = String(files['tsne.csv']).trim().split('\n');
    expect(lines).toHaveLength(51);
    expect(Number(lines[3].split(',')[3])).toBe(data[4]);
    expect(rows).toEqual([]);
    expect(title).toMatch(new RegExp(`: KL divergence ${(json['kl'] as number).toFixed(4)} \\(`));
    expect((json['history'] as unknown[]).length).toBeGreaterThan(1);
    for (const axis of ['>t-SNE 1<', '>t-SNE 2<']) expect(String(files['tsne.svg']).includes(axis), axis).toBe(true);
    const unlabelled = await evalTsne(evaluation, plain, settings);
    expect(String(unlabelled.files['tsne.csv'])).toMatch(/^image,file,class,x,y\n0,0\.png,,/);
  });

  it('robustness: six kinds of damage at five strengths', async () => {
    const outcome = await evalRobustness(evaluation, stl10, { images: 10, seed: 1, l2: [0.1] });
    const results = resultsOf<{ corruption: string; level: number; linear: number; knn: number }[]>(
      outcome,
      'robustness',
    );
    expect(results).toHaveLength(30);
    const { corruption, linear, knn } = results[19];
    const row = outcome.rows.find(([name]) => name === corruption)!;
    expect(row[5]).toBe(`${percent(linear)} (${percent(knn)})`);
    expect(outcome.notes).toContainEqual(expect.stringMatching(/^baseline: always answering/));
  });

  it('neighbors: a copy finds its original, a number is a test image, an own image is left out', async () => {
    const file = join(photos, 'round', '6.png');
    const copy = join(folder, 'copy.png');
    copyFileSync(file, copy);
    const queries = [copy, relative('.', file), '1'];
    const labelled = await evalNeighbors(evaluation, photos, { queries, count: 3, split: 'train' });
    const results = resultsOf<{ neighbors: { file: string; similarity: number }[] }[]>(labelled, 'neighbors');
    expect(results[0].neighbors[0].file).toBe('round/6.png');
    expect(results[0].neighbors[0].similarity).toBeCloseTo(1, 4);
    expect(results[1].neighbors.map((neighbor) => neighbor.file)).not.toContain('round/6.png');
    expect(labelled.rows).toHaveLength(9);
    const own = await evalNeighbors(evaluation, plain, { queries: [], count: 6, split: 'train' });
    const found = own.json['results'] as { query: string; neighbors: { file: string }[] }[];
    for (const { query, neighbors } of found) {
      expect(neighbors).toHaveLength(6);
      expect(neighbors.map((neighbor) => neighbor.file)).not.toContain(query);
    }
    const wrong = (query: string) => evalNeighbors(evaluation, plain, { queries: [query], count: 2, split: 'train' });
    await expect(wrong('7')).rejects.toThrow('has images 0 to 6');
    await expect(wrong(checkpoint)).rejects.toThrow('cannot be read as a picture');
    await expect(wrong('nofile.png')).rejects.toThrow('--query nofile.png: no such file; give');
    await expect(evalNeighbors(evaluation, plain, { queries: [], count: 7, split: 'train' })).rejects.toThrow(
      '--count 7',
    );
    const few = join(folder, 'three');
    drawPhotos(few, 3, () => '');
    const all = await evalNeighbors(evaluation, few, { queries: [], split: 'train' });
    expect(all.rows.map(([query, rank]) => [query, rank])).toEqual([
      ...[
        ['0.png', '1'],
        ['', '2'],
      ],
      ...[
        ['1.png', '1'],
        ['', '2'],
      ],
      ...[
        ['2.png', '1'],
        ['', '2'],
      ],
    ]);
  });

  it('unbalanced classes: the majority baseline and balanced accuracies stand in every table of accuracies', async () => {
    const uneven = join(folder, 'uneven');
    drawPhotos(join(uneven, 'train'), 20, (i) => (i < 12 ? 'many' : i < 17 ? 'few' : 'rare'));
    drawPhotos(join(uneven, 'test'), 10, (i) => (i < 8 ? 'many' : 'few'));
    const baseline = "baseline: always answering 'many' is right for 80.00 % of the test images";
    const notes = [baseline, "balanced: the mean of the classes' own accuracies; the baseline's is 50.00 %"];
    const expectBoth = ({ notes: told, json, header }: Outcome, column: RegExp) => {
      expect(told).toEqual(expect.arrayContaining([...notes, 'classes without test images, not counted: rare']));
      expect(json).toMatchObject({ majority: { class: 'many', accuracy: 0.8 } });
      expect(header.join()).toMatch(column);
    };
    const l2 = [0.1];
    const linear = await evalLinear(evaluation, uneven, { l2 });
    expectBoth(linear, /balanced/);
    const [{ test, byClass }] = linear.json['results'] as { test: { balancedAccuracy: number }; byClass: number[] }[];
    const recalls = byClass.filter(Number.isFinite);
    expect(recalls).toHaveLength(2);
    expect(test.balancedAccuracy).toBeCloseTo((recalls[0] + recalls[1]) / 2, 12);
    expect(linear.rows[0][4]).toBe(percent(test.balancedAccuracy));
    const knn = await evalKnn(evaluation, uneven, { k: [20], temperatures: [10] });
    expectBoth(knn, /τ 10, balanced/);
    // All 20 neighbours vote with nearly equal weights: the answer is always the most frequent class.
    expect(knn.rows[0]).toEqual(['20', '80.00', '50.00']);
    expectBoth(
      await evalLowLabel(evaluation, uneven, { subsets: 2, perClass: [2], shares: [], l2 }),
      /probe, balanced/,
    );
    const robust = await evalRobustness(evaluation, uneven, { images: 0, seed: 1, l2 });
    expect(robust.notes).toEqual(expect.arrayContaining(notes));
    expect(robust.rows.map(([name]) => name).slice(0, 2)).toEqual(['noise', 'noise, balanced']);
    const supervised = parseSupervisedSettings({ epochs: 1, batchSize: 10, imageSize: size });
    const tuned = await evalFinetune(evaluation, uneven, { supervised, folder: join(folder, 'uneven-trainings') });
    expectBoth(tuned, /balanced/);
    const { mean } = tuned.json['testBalancedAccuracy'] as { mean: number };
    expect(tuned.rows[0][3]).toBe(percent(mean));
    const transfer = await evalTransfer(evaluation, undefined, uneven, { l2 });
    expect(transfer.notes).toContain(`${uneven}: ${baseline}`);
    expect(transfer.rows[0][4]).toBe('80.00');
    expect(transfer.header.filter((name) => name === 'balanced / %')).toHaveLength(2);
    const kmeans = await evalKMeans(evaluation, uneven, { restarts: 1, iterations: 10, seed: 1 });
    expect(kmeans.notes).toContain(baseline);
  });

  it('transfer: both folders side by side', async () => {
    const outcome = await evalTransfer(evaluation, stl10, photos, { l2: [0.1] });
    const results = resultsOf<{ data: string; linear: { test: { accuracy: number } } }[]>(outcome, 'transfer');
    expect(outcome.rows.map(([path]) => path)).toEqual([stl10, photos]);
    expect(outcome.rows[1][5]).toBe(percent(results[1].linear.test.accuracy));
    expect((await evalTransfer(evaluation, undefined, photos, { l2: [0.1] })).rows).toHaveLength(1);
    await expect(evalTransfer(evaluation, stl10, plain, {})).rejects.toThrow(`${plain}: has no usable labels`);
  });

  it('low-label and finetune: subsets by class, trainings that are not repeated', async () => {
    const supervised = parseSupervisedSettings({ epochs: 1, batchSize: 10, imageSize: size });
    let trained = 0;
    const finetune = { supervised, folder: join(folder, 'trainings'), events: { onEpoch: () => trained++ } };
    const settings = { perClass: [2], shares: [], subsets: 2, l2: [0.1], finetune };
    const outcome = await evalLowLabel(evaluation, stl10, settings);
    const [few] = resultsOf<{ images: number; linear: { values: number[] }; finetune: { values: number[] } }[]>(
      outcome,
      'low-label',
    );
    expect(few.images).toBe(20);
    expect([few.linear.values.length, few.finetune.values.length, trained]).toEqual([2, 2, 2]);
    expect((await evalLowLabel(evaluation, stl10, settings)).json['results']).toEqual([few]);
    expect(trained).toBe(2);
    const steps = { perClass: [5, 1], shares: [0.4], subsets: 2, l2: [1, 0.1, 0.01] };
    const several = await evalLowLabel(evaluation, stl10, steps);
    const linear = (several.json['results'] as { linear: { chosen: number[]; values: number[] } }[]).map(
      (result) => result.linear,
    );
    expect(several.rows.map(([name, images]) => [name, images])).toEqual([
      ['1 per class', '10'],
      ['40 %', '20'],
      ['5 per class', '50'],
    ]);
    expect(several.notes).toEqual([
      expect.stringContaining("baseline: always answering '"),
      'mean ± standard deviation (n − 1) of 2 subsets; all images: once',
      '1 per class: λ not chosen (too few images): 0.1, the middle one',
    ]);
    expect(linear[0]).toMatchObject({ chosen: [0.1, 0.1], unchosen: true });
    expect(linear[1]).toMatchObject({ unchosen: false });
    expect(linear[2].values).toHaveLength(1);
    expect([several.rows[1][2], several.rows[2][2]]).toEqual([
      expect.stringMatching(/^[\d.]+ ± [\d.]+$/),
      percent(linear[2].values[0]),
    ]);
    const same = await evalLowLabel(evaluation, stl10, { subsets: 1, perClass: [2], shares: [0.4, 0.2], l2: [1] });
    expect(same.rows.map(([name]) => name)).toEqual(['20 %', '2 per class = 40 %']);
    expect(same.notes.slice(1)).toEqual(['drawn once']);
    await expect(evalLowLabel(evaluation, stl10, { subsets: 1, perClass: [6] })).rejects.toThrow(
      '--labels 6: a class has only 5 training images',
    );
    await expect(evalLowLabel(evaluation, stl10, { subsets: 1, shares: [0.4, 0.01] })).rejects.toThrow(
      '--shares 0.01: is less than one image of a class with 5; give 0.1 or more',
    );
    const frozen = { ...finetune, supervised: { ...supervised, freezeStages: 2 }, folder: join(folder, 'frozen') };
    const part = await evalLowLabel(evaluation, stl10, { ...settings, subsets: 1, finetune: frozen });
    expect(part.header).toContain('fine-tuned, without the stem and 2 stages');
    expect(part.json['finetune']).toMatchObject({ freezeStages: 2 });
    const most = await evalFinetune(evaluation, photos, { ...frozen, folder: join(folder, 'frozen all') });
    expect(most.title).toMatch(/^fine-tuning: all layers but the stem and 2 stages, 1 epoch; train/);
    const whole = await evalFinetune(evaluation, photos, finetune);
    expect(whole.title).toMatch(/^fine-tuning: all layers, 1 epoch; train/);
    const model = join(finetune.folder, 'all', 'model.safetensors');
    expect(readEncoderFile(model)).toMatchObject({ imageSize: size, normalize: 'imagenet' });
    const [last] = resultsOf<{ last: { testAccuracy: number } }[]>(whole, 'finetune');
    expect(whole.rows[0][2]).toBe(percent(last.last.testAccuracy));
  });

  it('attention: a sheet of test images, or of all where none are labelled, a column for each stage', async () => {
    const { title, json, files } = await evalAttention(evaluation, photos, { count: 3, split: 'train' });
    expect(title).toMatch(/^attention of resnet18.*, 3 pictures$/);
    expect(json).toMatchObject({
      data: photos,
      stages: expect.arrayContaining([expect.stringMatching(/^stage 4 \(/)]),
    });
    const { images } = json as { images: { file: string; class: string }[] };
    expect(images).toHaveLength(3);
    for (const { file, class: name } of images) expect(file).toContain(name);
    const sheet = PNG.sync.read(Buffer.from(files['attention.png'] as Uint8Array));
    expect(new Set(sheet.data).size).toBeGreaterThan(50);
    const unlabelled = await evalAttention(evaluation, plain, { count: 2, split: 'train' });
    expect(unlabelled.json['images']).toHaveLength(2);
    await expect(evalAttention(evaluation, plain, { count: 200, split: 'train' })).rejects.toThrow(
      new RegExp(`^--count 200: ${plain} has only \\d+ images$`),
    );
  });

  it('one line for folds that are not there and for images without labels', async () => {
    await expect(evalLinear(evaluation, photos, { folds: true })).rejects.toThrow('--folds needs STL-10');
    await expect(evalKnn(evaluation, plain, { temperatures: [1] })).rejects.toThrow(`${plain}: has no usable labels`);
    const few = join(folder, 'few');
    drawPhotos(few, 8, (i) => ['round', 'square'][i % 2]);
    await expect(evalKnn(evaluation, few, { temperatures: [1] })).rejects.toThrow(
      `${few}: no class has five photos, of which one would be held out for testing; give more`,
    );
  });

  it('an encoder whose features are not numbers is refused, and nothing is kept of it', async () => {
    const { tensors } = readSafetensors(checkpoint);
    const broken = join(folder, 'diverged.safetensors');
    const weight = tensors.get('bn1.weight')!;
    tensors.set('bn1.weight', { ...weight, data: new Float32Array(64).fill(3e38) } as typeof weight);
    writeSafetensors(broken, tensors);
    const cache = join(folder, 'broken');
    const given = { imageSize: size, normalize: 'imagenet' } as const;
    const diverged = Evaluation.open(gpu, { checkpoint: broken, ...given, batchSize: 25, cache });
    await expect(evalKnn(diverged, stl10, { temperatures: [1] })).rejects.toThrow(
      `${broken}: its features (train) are not finite numbers; its training diverged`,
    );
    expect(existsSync(cache)).toBe(false);
    diverged.destroy();
  });

  it('says where the best candidate is the first or the last', async () => {
    const edge = 'was the best; a better one may lie beyond: give others with --l2';
    const { notes, json } = await evalLinear(evaluation, stl10, { l2: [1e3, 1e2] });
    const [{ chosen }] = json['results'] as { chosen: number }[];
    expect(notes).toContain(`the ${chosen === 1e3 ? 'largest' : 'smallest'} λ ${edge}`);
    expect((await evalLinear(evaluation, stl10, { l2: [0.1] })).notes).toEqual([
      expect.stringMatching(/^baseline: always answering '\w+' is right for 10\.00 % of the test images$/),
    ]);
  });
});

describe('encoders', () => {
  it('torchvision’s file: fc and counters left out; how images are prepared is asked, not guessed', () => {
    const { tensors } = readSafetensors(checkpoint);
    const file = join(folder, 'torchvision.safetensors');
    const fc = { dtype: 'F32', shape: [2, 512], data: new Float32Array(1024) } as const;
    writeSafetensors(file, [...tensors, ['fc.weight', fc]]);
    expect(() => readEncoderFile(file)).toThrow(
      `${file}: the file does not record how images are prepared for it; give --image-size and --normalize (torchvision's own weights: --image-size 224, --normalize imagenet)`,
    );
    expect(() => readEncoderFile(file, { imageSize: 224 })).toThrow(/; give --normalize \(torchvision/);
    const state = new State(gpu);
    expect(() => readEncoder(state, file)).toThrow(/; give imageSize and normalize \(/);
    state.destroy();
    const encoder = readEncoderFile(file, { imageSize: 96, normalize: 'imagenet' });
    expect(encoder).toMatchObject({ architecture: 'resnet18', stem: 'imagenet', ...imagenetColours });
    expect(describePreparation(encoder)).toBe('96×96, ImageNet mean/std, as given');
    expect(encoder.tensors.has('fc.weight')).toBe(false);
    expect(encoder.digest).toBe(readEncoderFile(checkpoint).digest);
    expect(readEncoderFile(file, { imageSize: 32, normalize: 'half' })).toMatchObject({
      imageSize: 32,
      mean: [0.5, 0.5, 0.5],
    });
  });

  it('of another width: as the file says, and told from its tensors where it says nothing', async () => {
    const file = join(folder, 'narrow.safetensors');
    const state = new State(gpu);
    await saveEncoder(state, new ResNet({ ...resnet18, width: 0.25 }), file, { imageSize: size, ...imagenetColours });
    expect(readEncoder(state, file).encoder.dimensions).toBe(128);
    const { tensors, metadata } = readSafetensors(file);
    expect(metadata).toMatchObject({ architecture: 'resnet18', stem: 'imagenet', width: '0.25' });
    writeSafetensors(file, tensors);
    expect(readEncoderFile(file, { imageSize: size, normalize: 'imagenet' })).toMatchObject({ width: 0.25 });
    writeSafetensors(file, tensors, { ...metadata, width: '0.5' });
    expect(() => readEncoderFile(file)).toThrow(/tensor 'conv1.weight' has shape \[16, 3, 7, 7\], expected \[32, 3/);
    state.destroy();
  });

  it('a classifier of ours: its own image size and colours', async () => {
    const file = join(folder, 'classifier.safetensors');
    const state = new State(gpu);
    const classifier = new Classifier({ architecture: 'resnet18', stem: 'imagenet', classes: 3, seed: 1 });
    const { mean, std } = normalization({ normalize: 'half' });
    await saveClassifier(
      file,
      state,
      classifier,
      { preparation: { imageSize: 16, mean, std }, classNames: undefined },
      0,
    );
    state.destroy();
    expect(readEncoderFile(file)).toMatchObject({ imageSize: 16, normalize: 'half', mean, std });
    expect(readEncoderFile(file, { imageSize: 32 })).toMatchObject({ imageSize: 32, normalize: 'half' });
    const { tensors, metadata } = readSafetensors(file);
    writeSafetensors(file, tensors, { ...metadata, classifier: '{}' });
    expect(() => readEncoderFile(file)).toThrow(/its metadata are damaged/);
  });

  it('what saveEncoder wrote says size and colours, also such as have no name', async () => {
    const file = join(folder, 'own.safetensors');
    const own = { imageSize: 64, mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] } as const;
    const state = new State(gpu);
    await saveEncoder(state, new ResNet(resnet18), file, own);
    expect(readEncoderFile(file)).toMatchObject({ ...own, normalize: undefined });
    expect(describePreparation(readEncoderFile(file))).toBe(
      '64×64, mean 0.1, 0.2, 0.3 and std 0.4, 0.5, 0.6, from the file',
    );
    expect(describePreparation(readEncoderFile(checkpoint, { imageSize: 32 }))).toBe(
      '32×32 (as given), ImageNet mean/std (from the file)',
    );
    await expect(saveEncoder(state, new ResNet(resnet18), file, undefined as never)).rejects.toThrow(
      'give { imageSize, mean',
    );
    await expect(saveEncoder(state, new ResNet(resnet18), join(folder, 'own.onnx'), own)).rejects.toThrow(
      'own.onnx: unknown extension for an encoder; supported: .safetensors',
    );
    state.destroy();
    const tuned = Evaluation.open(gpu, { checkpoint: file, batchSize: 25, cache: folder });
    const supervised = parseSupervisedSettings({ epochs: 1 });
    await expect(evalFinetune(tuned, stl10, { supervised, folder: join(folder, 'own') })).rejects.toThrow(
      'choose the nearest with --normalize',
    );
    tuned.destroy();
  });

  it('other files are refused in one line', () => {
    const file = join(folder, 'other.safetensors');
    writeSafetensors(file, [['weight', { dtype: 'F32', shape: [1], data: new Float32Array(1) }]]);
    expect(() => readEncoderFile(file)).toThrow(/not an encoder that this program knows; give a checkpoint/);
    expect(() => readEncoderFile(join(folder, 'missing.safetensors'))).toThrow(/no such file/);
    const { tensors } = readSafetensors(checkpoint);
    tensors.delete('layer2.0.bn1.bias');
    writeSafetensors(file, tensors);
    const options = { checkpoint: file, imageSize: size, normalize: 'none', batchSize: 1, cache: folder } as const;
    expect(() => Evaluation.open(gpu, options)).toThrow("tensor 'layer2.0.bn1.bias' is missing");
  });
});
