/**
 * The pages of docs/tasks do what they say: their files are written, their commands run one after another as they stand, in a folder with
 * a few small photos, and what they say is printed is printed. Programs are checked by TypeScript too.
 *
 * One thing differs from what a reader does: `simclr` is a program that has trainings in small (`smallSimclr`), since they take hours.
 */
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { writtenSections } from '../scripts/docs/pages.ts';
import { scratchFolder } from './cli/run.ts';
import { patternOf, plain, type Step, stepsOf } from './docs_pages.ts';
import { withoutMpi } from './mpi/mpirun.ts';

vi.setConfig({ testTimeout: 900_000 });

const root = resolve(import.meta.dirname, '..');
const folder = scratchFolder();
const pages = writtenSections(root).find(({ title }) => title === 'Tasks')!.pages;

/**
 * Trainings are of batches of 4 images of 16×16, of a quarter of the width, and of a hundredth of the epochs that the page has, at least
 * one; a resumed run keeps its sizes. Nothing else of a command is changed.
 */
const smallSimclr = `#!/usr/bin/env node
const words = process.argv.slice(2);
const [command, evaluation] = words;
const small = (flag, fallback) => {
  const at = words.indexOf(flag);
  if (at >= 0) words[at + 1] = String(Math.max(1, Number(words[at + 1]) / 100));
  else if (fallback) words.push(flag, '1');
};
const sizes = ['--batch-size', '4', '--image-size', '16', '--width', '0.25'];
if (command === 'train' || command === 'compare') {
  small('--epochs', !words.includes('--help'));
  if (!words.includes('--resume')) words.push(...sizes, ...(words.includes('--micro-batch') ? ['--micro-batch', '2'] : []));
}
if (command === 'compare' || evaluation === 'finetune') small('--finetune-epochs', true);
if (evaluation === 'finetune') words.push('--finetune-batch-size', '4');
process.argv.splice(2, Infinity, ...words);
await import(${JSON.stringify(resolve('dist/cli.js'))});
`;

/** How the program tells that width, which no page has. */
const smallWidth = ' of width 0.25';

beforeAll(async () => {
  await photo(join(folder, 'query.jpg'), 0);
  mkdirSync(join(folder, 'photos'));
  for (let i = 0; i < 10; i++) await photo(join(folder, 'photos', `${i}.jpg`), i + 1);
  for (let i = 0; i < 3; i++) copyFileSync(join(folder, 'photos', `${i}.jpg`), join(folder, 'photos', `copy-${i}.jpg`));
  for (const part of ['train', 'test'])
    for (const [c, name] of ['church', 'golf_ball'].entries()) {
      mkdirSync(join(folder, 'labelled', part, name), { recursive: true });
      for (let i = 0; i < 6; i++) await photo(join(folder, 'labelled', part, name, `${i}.jpg`), 100 * c + i);
    }
  const bin = join(folder, 'node_modules/.bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'simclr'), smallSimclr);
  chmodSync(join(bin, 'simclr'), 0o755);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(root, join(folder, 'node_modules/simclr-webgpu'), 'junction');
});

/** A picture that no other number has. */
async function photo(file: string, seed: number): Promise<void> {
  const hue = (seed * 77) % 360;
  const circle = `<circle cx="${(seed * 53) % 384}" cy="${(seed * 97) % 288}" r="${40 + (seed % 5) * 20}" fill="hsl(${hue + 180}, 80%, 40%)"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="384" height="288"><rect width="384" height="288" fill="hsl(${hue}, 70%, 60%)"/>${circle}</svg>`;
  await sharp(Buffer.from(svg)).jpeg().toFile(file);
}

/** A shell in which Open MPI starts processes for root too, and as many as it is told. */
const environment = {
  ...process.env,
  COLUMNS: '1000',
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
  OMPI_MCA_btl_vader_single_copy_mechanism: 'none',
};

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs commands as one would paste them, up to the first that fails. Not synchronously: vitest wants to hear of its workers.
 * @param until what is printed is followed by Ctrl-C; undefined: they end by themselves
 */
const shell = (commands: string, until?: RegExp): Promise<Ran> =>
  new Promise((settle) => {
    // A group of its own, so that Ctrl-C reaches all of it, as in a terminal.
    const child = spawn('sh', ['-e', '-c', commands], { cwd: folder, env: environment, detached: true });
    const ran = { out: '', err: '', stopped: false };
    child.stdout.on('data', (chunk) => {
      ran.out += chunk;
      if (ran.stopped || !until?.test(plain(ran.out))) return;
      ran.stopped = true;
      process.kill(-child.pid!, 'SIGINT');
    });
    child.stderr.on('data', (chunk) => {
      ran.err += chunk;
    });
    child.on('close', (code) => settle({ ...ran, code: ran.stopped ? 0 : code }));
  });

/** Commands that serve a page until Ctrl-C. */
const serves = (commands: string): boolean => /^npx simclr watch\b/.test(commands);

async function take(step: Step): Promise<void> {
  if (step.kind === 'file') {
    writeFileSync(join(folder, step.name), step.text);
    return;
  }
  const { commands, printed } = step;
  const expected = printed === undefined ? /$/ : patternOf(printed);
  const { code, out, err } = await shell(commands, serves(commands) ? expected : undefined);
  expect(code, `${commands}\n${out}\n${err}`).toBe(0);
  expect(plain(out).replaceAll(smallWidth, ''), commands).toMatch(expected);
}

/** What a page needs that may not be there. */
const missing = (text: string): string | undefined => (/^mpirun /m.test(text) ? withoutMpi : undefined);

describe('pages of tasks, in their order', () => {
  for (const { path, text } of pages) {
    const steps = stepsOf(join(root, path));
    const reason = missing(text);
    it.skipIf(reason !== undefined)(`${path}${reason === undefined ? '' : `: skipped, ${reason}`}`, async () => {
      for (const step of steps) await take(step);
    });
  }

  it('programs have the right types', async () => {
    const programs = pages
      .flatMap(({ path }) => stepsOf(join(root, path)))
      .flatMap((step) => (step.kind === 'file' && step.name.endsWith('.mjs') ? [step] : []));
    expect(programs.length).toBeGreaterThan(0);
    for (const program of programs) await take(program);
    const packages = join(root, 'node_modules');
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { checkJs: true, typeRoots: [join(packages, '@types'), packages] },
      include: [],
      files: [join(root, 'kernels/wgsl.d.ts'), ...programs.map(({ name }) => name)],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const { out } = await shell(`node '${join(packages, 'typescript/bin/tsc')}' -p .`);
    expect(out).toBe('');
  });
});

it('every block of commands on these pages belongs to a step', () => {
  const fences = pages.flatMap(({ path }) => [...readFileSync(join(root, path), 'utf8').matchAll(/^```sh$/gm)]);
  const steps = pages.flatMap(({ path }) => stepsOf(join(root, path))).filter(({ kind }) => kind === 'commands');
  expect(steps.length).toBe(fences.length);
});
