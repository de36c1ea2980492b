import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { decodeNpy } from '../../src/io/npy.ts';
import { readSafetensors, toFloat32 } from '../../src/io/safetensors.ts';
import { drawnPhotos } from './photos.ts';
import { metrics, run, scratchFolder, tiny } from './run.ts';

const folder = scratchFolder();
const data = join(folder, 'sample');
const trained = join(folder, 'trained');
const checkpoint = join(trained, 'checkpoints', 'step-00000006.safetensors');
let printed: string;

beforeAll(async () => {
  ensureSampleSet(data, { train: 30, test: 20, unlabeled: 24 });
  const sizes = ['--image-size', '32', '--batch-size', '8', '--epochs', '2', '--knn-every', '1'];
  const { code, out, err } = await run('train', '--data', data, ...tiny, ...sizes, '--out', trained);
  expect(err).toBe('');
  expect(code).toBe(0);
  printed = out;
});

describe('what a run leaves', () => {
  it('prints the settings that are not the defaults, log(2N−1) once, and a line an epoch with a kNN probe', () => {
    const unfolded = printed.replaceAll(/ \\\n +/g, ' ');
    expect(unfolded).toMatch(
      /^settings {3}--image-size 32 --batch-size 8 --epochs 2 .*--knn-every 1 .*--figure-every 0 --temperature 0\.2$/m,
    );
    expect(printed.match(/2\.708/g)).toHaveLength(1);
    expect(printed).toMatch(/^chance {5}loss log\(2N−1\) = 2\.708, acc 6\.7 %/m);
    expect(printed).toMatch(
      /^epoch 2\/2 {2}loss \d+\.\d{3} {2}acc \d+\.\d % {2}std 0\.\d{3} {2}kNN \d+\.\d % {2}lr \S+\s+\d+(\.\d)? img\/s$/m,
    );
    expect(printed.match(/[KM]iB/g)).toHaveLength(1);
  });

  it('ends with the commands that come next, which run as printed', async () => {
    const steps = /^next:\n((?: {2}.*\n)+)$/m.exec(printed)![1].trimEnd().split('\n');
    expect(steps.map((line) => /^ {2}(?:node \S+|npm run simclr --) (eval \w+|\w+)/.exec(line)?.[1])).toEqual([
      'embed',
      'eval neighbors',
      'eval linear',
      'export',
    ]);
    expect(steps.every((line) => line.includes(`--checkpoint ${checkpoint}`))).toBe(true);
    const here = join(folder, 'next');
    mkdirSync(here);
    // Run in another folder, from where the program has another path.
    const script = steps.map((line) =>
      line.trim().replace(/^(node \S+|npm run simclr --)/, `'${process.execPath}' '${resolve('dist/cli.js')}'`),
    );
    await promisify(execFile)('bash', ['-ec', script.join('\n')], { cwd: here });
    expect(readdirSync(here).sort()).toEqual(['encoder.safetensors', 'features.npy', 'features.txt']);
    expect(readdirSync(join(trained, 'eval')).sort()).toEqual(['features', 'linear', 'neighbors']);
  });

  it('logs epochs whose means are the means of their steps', () => {
    const lines = metrics(trained);
    const losses = lines.filter(({ type }) => type === 'step').map(({ loss }) => loss);
    const epochs = lines.filter(({ type }) => type === 'epoch');
    expect(epochs).toHaveLength(2);
    expect(epochs[1].loss).toBeCloseTo((losses[3] + losses[4] + losses[5]) / 3, 10);
    expect(epochs[1]['knn']).toBeGreaterThanOrEqual(0);
    expect(epochs[1]['chance']).toBeCloseTo(Math.log(15), 12);
  });

  it('embed: names with line breaks keep a line to a row', async () => {
    const photos = join(folder, 'odd-names');
    mkdirSync(photos);
    const png = PNG.sync.write(new PNG({ width: 16, height: 16 }));
    const names = ['"quoted".png', 'a\n999.png', 'plain.png'];
    for (const name of names) writeFileSync(join(photos, name), png);
    const array = join(folder, 'odd.npy');
    const { code, err } = await run('embed', '--checkpoint', checkpoint, '--data', photos, '--out', array);
    expect(code, err).toBe(0);
    expect(decodeNpy(readFileSync(array)).shape).toEqual([3, 128]);
    const lines = readFileSync(join(folder, 'odd.txt'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => (line.startsWith('"') ? JSON.parse(line) : line))).toEqual(names);
  });

  it('draws the similarity matrix and the pairs at the start and at the end', () => {
    for (const name of ['similarity', 'pairs']) {
      for (const step of ['00000000', '00000006']) {
        const png = PNG.sync.read(readFileSync(join(trained, 'figures', `${name}-step-${step}.png`)));
        expect(png.width).toBeGreaterThan(200);
      }
    }
  });

  it('NaN: stops, names the step and the tensor, keeps the weights finite and the last checkpoint', async () => {
    const out = join(folder, 'diverged');
    const { code, err } = await run(
      'train',
      '--data',
      data,
      ...tiny,
      '--epochs',
      '4',
      '--lr',
      '1e30',
      '--checkpoint-steps',
      '1',
      '--out',
      out,
    );
    expect(code, err).toBe(1);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).toMatch(
      /step \d+: NaN or infinity appeared, first in [\w./#]+ \[[\d, ]+\], element \d+; .*the checkpoint of step \d+ is good/,
    );
    const kept = Number(/checkpoint of step (\d+)/.exec(err)![1]);
    const file = join(out, 'checkpoints', `step-${String(kept).padStart(8, '0')}.safetensors`);
    for (const [name, tensor] of readSafetensors(file).tensors) {
      if (tensor.dtype === 'F32') expect(toFloat32(tensor).every(Number.isFinite), name).toBe(true);
    }
  });

  it('collapse: is logged, told with its numbers, and ends without an offer of what to do with the encoder', async () => {
    const out = join(folder, 'collapsed');
    const flags = ['--width', '1', '--lr', '1000', '--steps', '24', '--out', out];
    const { code, out: told, err } = await run('train', '--data', data, ...tiny, ...flags);
    expect(code).toBe(0);
    const words = told.replaceAll(/\s+/g, ' '); // lines are folded
    expect(words).toMatch(/ warning the embeddings have collapsed.* 1\/√128 = 0\.0884 start again with a lower /);
    expect(words).not.toMatch(/ (export|embed|eval) /);
    expect(err).toMatch(/^simclr: warning: this training learnt nothing useful: the embeddings have collapsed.*\n$/);
    const lines = metrics(out);
    expect(lines.filter(({ type }) => type === 'warning')).toMatchObject([{ kind: 'collapse' }]);
    expect(lines.findLast(({ type }) => type === 'step')!['embeddingStd']).toBeLessThan(0.00884);
    expect(lines.findLast(({ type }) => type === 'epoch')!['embeddingStd']).toBeLessThan(0.00884);
  });

  it('sixteen copies of one photo: told at the start and at the end', async () => {
    const photos = join(folder, 'copies');
    mkdirSync(photos);
    const picture = readFileSync(join(trained, 'figures', 'pairs-step-00000006.png'));
    for (let i = 0; i < 16; i++) writeFileSync(join(photos, `${i}.png`), picture);
    const flags = ['--steps', '1', '--out', join(folder, 'copied')];
    const { code, out: told, err } = await run('train', '--data', photos, ...tiny, ...flags);
    expect(code).toBe(0);
    const message = '15 of 16 images are copies of another (1.png = 0.png, 10.png = 0.png, 11.png = 0.png, …)';
    const words = told.replaceAll(/\s+/g, ' '); // lines are folded
    expect(words).toContain(` warning ${photos}: ${message}`);
    expect(words).not.toContain(' export ');
    expect(err).toMatch(/^simclr: warning: .*; give at least as many different images as a batch has \(4\)\n$/);
    expect(metrics(join(folder, 'copied'))).toContainEqual(expect.objectContaining({ type: 'warning', step: 0 }));
  });

  it('weights that are not finite are never saved as a checkpoint', async () => {
    const out = join(folder, 'overflown');
    const flags = ['--lr', '1e39', '--steps', '2', '--checkpoint-steps', '1', '--out', out];
    const { code, err } = await run('train', '--data', data, ...tiny, ...flags);
    expect(code).toBe(1);
    expect(err).toMatch(/step 1: NaN or infinity appeared, first in [\w.]+, element \d+; nothing was saved/);
    expect(readdirSync(join(out, 'checkpoints'))).toEqual([]);
  });

  it('a reader that goes away does not end the run', async () => {
    const out = join(folder, 'piped');
    const args = ['dist/cli.js', 'train', '--data', data, ...tiny, '--steps', '2', '--out', out]
      .map((word) => `'${word}'`)
      .join(' ');
    execFileSync('bash', ['-c', `'${process.execPath}' ${args} | head -1`], { stdio: ['ignore', 'ignore', 'pipe'] });
    expect(readdirSync(join(out, 'checkpoints'))).toEqual(['step-00000002.safetensors']);
  });

  it('--dry-run prints the plan, --profile the time by op; neither leaves a folder', async () => {
    const plan = await run('train', '--data', data, ...tiny, '--width', '1', '--dry-run');
    expect(plan.out).toMatch(/conv2d_backward_weight +20 /);
    expect(plan.out).toMatch(/11,504,832 parameters/);
    expect(plan.out).toMatch(/peak memory [\d.]+ MiB/);
    const profile = await run('train', '--data', data, ...tiny, '--profile');
    expect(profile.out).toMatch(/GFLOP\/s +GB\/s/);
    expect(profile.out).toMatch(/[\d.]+ ms in kernels/);
    expect([plan.code, profile.code]).toEqual([0, 0]);
  });
});

describe('what is made of a checkpoint', () => {
  it('embed writes a row an image, the same whatever the batch', async () => {
    const rows = async (batch: string) => {
      const out = join(folder, `features-${batch}.npy`);
      const { code, err } = await run(
        'embed',
        '--checkpoint',
        checkpoint,
        '--data',
        data,
        '--split',
        'train',
        '--batch-size',
        batch,
        '--out',
        out,
      );
      expect(err).toBe('');
      expect(code).toBe(0);
      expect(readFileSync(out.replace('.npy', '.txt'), 'utf8').trim().split('\n')).toHaveLength(30);
      return decodeNpy(readFileSync(out));
    };
    const [seven, thirty] = [await rows('7'), await rows('30')];
    expect(seven.shape).toEqual([30, 128]);
    const difference = Math.max(
      ...Array.from(seven.data as Float32Array, (value, i) => Math.abs(value - Number(thirty.data[i]))),
    );
    expect(difference).toBeLessThan(1e-5);
  });

  it('a name that says another format is refused in one line, before anything is read or written', async () => {
    for (const [args, message] of [
      [['export'], 'encoder.pt: unknown extension for an encoder; supported: .safetensors'],
      [
        ['embed', '--data', data],
        'encoder.pt: unknown extension for features; supported: .npy, .csv, .jsonl, .parquet',
      ],
    ] as const) {
      const out = join(folder, 'new', 'encoder.pt');
      const { code, err } = await run(...args, '--checkpoint', 'nowhere.safetensors', '--out', out);
      expect(err).toBe(`simclr: ${join(folder, 'new', message)}\n`);
      expect(code).toBe(2);
      expect(existsSync(join(folder, 'new'))).toBe(false);
    }
  });

  it('an exported encoder gives the features of its checkpoint, prepared as the file says', async () => {
    const exported = join(folder, 'exported.safetensors');
    expect((await run('export', '--checkpoint', checkpoint, '--out', exported)).code).toBe(0);
    const photos = drawnPhotos(join(folder, 'photos-3'), 3, 32);
    const features = async (encoder: string, out: string) => {
      const given = ['--checkpoint', encoder, '--data', photos, '--out', join(folder, out)];
      const { code, out: printed, err } = await run('embed', ...given);
      expect(code, err).toBe(0);
      expect(printed).toContain('preparation 32×32, ImageNet mean/std, from the file\n');
      return readFileSync(join(folder, out));
    };
    expect((await features(exported, 'b.npy')).equals(await features(checkpoint, 'a.npy'))).toBe(true);
  });
});

describe('the library', () => {
  it('has types: a strict program that uses it compiles', async () => {
    const here = join(folder, 'typed');
    const installed = join(here, 'node_modules', 'simclr-webgpu');
    mkdirSync(installed, { recursive: true });
    // Not synchronously: vitest wants to hear of its workers.
    const tsc = (...args: string[]) => promisify(execFile)('npx', ['tsc', ...args]);
    await tsc('-p', 'tsconfig.types.json', '--outDir', join(installed, 'dist', 'types'));
    cpSync('package.json', join(installed, 'package.json'));
    for (const name of ['@webgpu', '@types', 'undici-types', 'zod']) linkModule(name, here);
    for (const [i, program] of readmePrograms().entries()) writeFileSync(join(here, `readme${i}.mts`), program);
    writeFileSync(
      join(here, 'program.mts'),
      `import { adam, compileTraining, defineMethod, Gpu, type ImageSource, input, parseSettings, Program, relu, makeEncoder, State, trace, z } from 'simclr-webgpu';
      export const own = defineMethod({
        ...{ name: 'own', about: '', paper: '', recipe: {}, views: () => [] },
        options: { strength: z.number().default(1).describe('how much') },
        create: (settings) => {
          const encoder = makeEncoder(settings);
          const optimizer = (weights: Parameters<typeof adam>[0]) => adam(weights, { weightDecay: settings.strength });
          return { encoder, groups: [{ name: 'main', modules: [encoder], optimizer }], step: () => ({ losses: [] }) };
        },
      });
      export async function train(source: ImageSource): Promise<number> {
        const state = new State(await Gpu.open());
        const training = await compileTraining(state, source, parseSettings({ method: 'simclr' }));
        const { graph, result } = trace(() => ({ y: relu(input('x', [4], 'f32')) }));
        const { y } = await (await Program.compile(graph, state, result)).run().read();
        const { loss } = await training.step.step(Uint32Array.of(0), { step: 1, epoch: 0, lr: 1e-3 }).read();
        return loss + y.length;
      }`,
    );
    const strict = ['--strict', '--noUncheckedIndexedAccess', '--skipLibCheck', 'false'];
    const options = [...strict, '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
    const files = ['program', 'readme0', 'readme1'].map((name) => join(here, `${name}.mts`));
    const told = (ended: { stdout: string; stderr: string }) => ended.stdout + ended.stderr;
    expect(await tsc(...options, ...files).then(told, told)).toBe('');
  }, 300_000);
});

describe('the README', () => {
  it('its programs run as printed: one trains and saves, the other reads back, embeds and finds neighbours', async () => {
    const here = join(folder, 'readme');
    mkdirSync(join(here, 'node_modules'), { recursive: true });
    cpSync(resolve('.'), join(here, 'node_modules', 'simclr-webgpu'), {
      recursive: true,
      filter: (path) => !/\/(\.git|node_modules|runs|data|test|bench)$/.test(path),
    });
    // The package's own dependencies lie where npm would have put them.
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const name of ['@img', ...Object.keys(dependencies)]) linkModule(name, here);
    drawnPhotos(join(here, 'photos'), 16, 64);
    const lines: string[][] = [];
    for (const program of readmePrograms()) {
      writeFileSync(join(here, 'program.mjs'), program);
      const { stdout } = await promisify(execFile)(process.execPath, ['program.mjs'], { cwd: here });
      lines.push(stdout.trim().split('\n'));
    }
    const [steps, nearest] = lines;
    expect(steps.map((line) => line.split(' ').map(Number))).toEqual([
      [1, expect.any(Number), expect.any(Number), expect.any(Number)],
      [2, expect.any(Number), expect.any(Number), expect.any(Number)],
    ]);
    for (const line of steps) expect(line).toMatch(/^\d [\d.]+ [\d.]+ 0\.\d+$/);
    const photos = readdirSync(join(here, 'photos')).sort();
    expect(nearest.map((line) => line.split(' is most like ')[0])).toEqual(photos);
    for (const line of nearest) expect(photos).toContain(line.split(' is most like ')[1]);
  });
});

/** The programs of the README, in its order. */
const readmePrograms = (): string[] =>
  [...readFileSync('README.md', 'utf8').matchAll(/```js\n(import \{[\s\S]*?)```/g)].map(([, program]) => program);

function linkModule(name: string, here: string): void {
  const target = join(here, 'node_modules', name);
  mkdirSync(dirname(target), { recursive: true });
  execFileSync('ln', ['-s', resolve('node_modules', name), target]);
}
