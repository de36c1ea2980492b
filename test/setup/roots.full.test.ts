/**
 * Set-up in the states that real machines are in: pristine Debian roots, in which nothing is there that nobody put there. Each
 * ends with the expected adapter, proved by a kernel that ran, and leaves the system of the root as it was.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** Set-up and its helpers are plain JavaScript without types. */
const load = (path: string) => import(new URL(path, import.meta.url).href);
const { makeRoot, runIn, whyNoRoots } = await load('./root.mjs');
const { breakLibrary } = await load('./broken.mjs');

const reason: string | undefined = whyNoRoots();
/** A folder that keeps the roots saves making them again: for work on set-up itself. */
const kept = process.env['SETUP_ROOTS'];
const lines = (text: string) => text.split('\n').filter((line) => line.startsWith('setup: '));
const setup = 'node scripts/setup.mjs';
/** After set-up, what a user would see: the adapter that commands open, and that a step of training is right on it. */
const used = 'node dist/cli.js info | head -1';
const lavapipe = /^setup: using llvmpipe \(LLVM .*\), lavapipe in \.vulkan: /;

interface Result {
  status: number;
  stdout: string;
  stderr: string;
  seconds: number;
  changes: string[];
}

describe.skipIf(reason !== undefined)(`set-up in pristine roots${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'simclr-roots-'));
  const run = (state: string, command: string, options = {}): Promise<Result> =>
    runIn(folder, state, { command, ...options });

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true });
    rmSync(join(folder, 'tools'), { recursive: true, force: true });
    for (const state of ['empty', 'old-mesa', 'new-mesa']) await makeRoot(folder, state);
  }, 1_800_000);
  afterAll(() => {
    if (!kept) rmSync(folder, { recursive: true, force: true });
  });

  /** One that chose lavapipe of its own, told so in one line with this reason, and changed nothing else. */
  function expectPrivateLavapipe({ status, stdout, stderr, changes }: Result, because: string | RegExp): void {
    const choice = lines(stderr).filter((line) => line.startsWith('setup: using'));
    expect(choice).toEqual([expect.stringMatching(lavapipe)]);
    expect(choice[0].replace(lavapipe, '')).toMatch(because);
    expect(stdout).toMatch(/^adapter +llvmpipe/m);
    expect(stderr.split('\n').filter((line) => line && !line.startsWith('setup: '))).toEqual([]);
    expect(changes).toEqual([]);
    expect(status).toBe(0);
  }

  for (const user of [false, true]) {
    const who = user ? 'an ordinary user' : 'root';

    test(`nothing installed, ${who}`, async () => {
      expectPrivateLavapipe(await run('empty', `${setup} && ${used}`, { user }), /^no Vulkan loader is installed$/);
    }, 600_000);

    test(`an old Mesa and an old libdrm, ${who}`, async () => {
      const result = await run('old-mesa', `${setup} && ${used}`, { user });
      expectPrivateLavapipe(result, /^no installed Vulkan driver works with WebGPU \(installed: .*lvp_icd/);
    }, 600_000);
  }

  test('training runs on lavapipe of its own', async () => {
    const size = '--image-size 16 --batch-size 2 --steps 1 --knn-every 0 --figure-every 0 --no-autotune';
    const train = `node dist/cli.js train --preset stl10 ${size} --out /tmp/run`;
    const { status, stdout } = await run(
      'old-mesa',
      `${setup} && ${train} >&2 && grep -c '"loss"' /tmp/run/metrics.jsonl`,
    );
    expect(status).toBe(0);
    expect(Number(stdout)).toBeGreaterThan(0);
  }, 600_000);

  test('a new Mesa is used as it is, and nothing is downloaded', async () => {
    const { status, stdout, stderr, changes } = await run('new-mesa', `${setup} && ${used} && ls .vulkan`);
    expect(lines(stderr)).toEqual([expect.stringMatching(/^setup: using llvmpipe \(LLVM [^)]*\)$/)]);
    expect(stdout).toMatch(/^adapter +llvmpipe/m);
    expect(stdout.trim().split('\n').at(-1)).toBe('ready.json');
    expect(changes).toEqual([]);
    expect(status).toBe(0);
  }, 600_000);

  test('set-up is quiet and quick the second time, and after the project was moved', async () => {
    const moved = 'mkdir /tmp/new && cp -a . /tmp/new/place && cd /tmp/new/place';
    const result = await run('old-mesa', `${setup} && echo again >&2 && ${setup} && ${moved} && ${setup} && ${used}`);
    expect(result.stderr.split('again\n')[1]).toBe('');
    expect(result.stdout).toMatch(/^adapter +llvmpipe/m);
    expect(result.status).toBe(0);
  }, 600_000);

  test('without apt it is SwiftShader from npm, with a word on its speed', async () => {
    const { status, stdout, stderr, changes } = await run('old-mesa', `rm /usr/bin/apt-get && ${setup} && ${used}`);
    const choice = lines(stderr).filter((line) => line.startsWith('setup: using'));
    expect(choice).toEqual([
      expect.stringMatching(
        /^setup: using SwiftShader.*, SwiftShader in \.vulkan: .*\. It is about 5 times slower than lavapipe: install lavapipe/,
      ),
    ]);
    expect(stdout).toMatch(/^adapter +SwiftShader/m);
    expect(changes).toEqual(['usr/bin/apt-get']);
    expect(status).toBe(0);
  }, 600_000);

  test('without a network it ends soon, with all that was tried and what to do', async () => {
    const { status, stderr, seconds, changes } = await run('old-mesa', setup, { offline: true });
    expect(stderr).toMatch(/no WebGPU adapter was found, and none could be set up:/);
    for (const tried of [
      /^ {2}no installed Vulkan driver works/m,
      /^ {2}lavapipe in \.vulkan: /m,
      /^ {2}SwiftShader in \.vulkan: /m,
    ])
      expect(stderr).toMatch(tried);
    expect(stderr).toContain('mesa-vulkan-drivers');
    expect(seconds).toBeLessThan(120);
    expect(changes).toEqual([]);
    expect(status).toBe(1);
  }, 600_000);

  test('tests get SwiftShader as a second adapter, and the system stays as it is', async () => {
    const { stdout, changes } = await run('old-mesa', `${setup} --test && node dist/cli.js info`, { user: true });
    expect(stdout).toMatch(/^adapter +llvmpipe/m);
    expect(stdout).toMatch(/^other adapters +SwiftShader/m);
    expect(changes).toEqual([]);
  }, 600_000);

  describe('a driver that is broken', () => {
    /** Puts a driver into a root: its description, and its library made of a good one. */
    const driver = (kind: string) => (layer: string) => {
      const icd = join(layer, 'usr/share/vulkan/icd.d/broken_icd.json');
      const library = '/usr/lib/libbroken.so';
      mkdirSync(dirname(icd), { recursive: true });
      mkdirSync(join(layer, 'usr/lib'), { recursive: true });
      writeFileSync(
        icd,
        JSON.stringify({ file_format_version: '1.0.0', ICD: { library_path: library, api_version: '1.3.0' } }),
      );
      const libraries = join(folder, 'old-mesa/usr/lib/x86_64-linux-gnu');
      const good = readdirSync(libraries).find((name) => /^libvulkan\.so\.1\..*/.test(name))!;
      writeFileSync(join(layer, library), breakLibrary(readFileSync(join(libraries, good)), kind));
    };

    test('garbage is passed over', async () => {
      const result = await run('old-mesa', `${setup} && ${used}`, { prepare: driver('garbage') });
      expectPrivateLavapipe(result, /^no installed Vulkan driver works with WebGPU \(installed: broken_icd\.json/);
    }, 600_000);

    test('one that crashes is passed over', async () => {
      const result = await run('old-mesa', `${setup} && ${used}`, { prepare: driver('crashing') });
      expectPrivateLavapipe(result, /^the driver crashes \(SIG\w+\) \(installed: broken_icd\.json/);
    }, 600_000);

    test('one that hangs is passed over', async () => {
      const result = await run('old-mesa', `${setup} && ${used}`, { prepare: driver('hanging') });
      expectPrivateLavapipe(result, /^the driver hangs \(installed: broken_icd\.json/);
    }, 600_000);

    test('beside a good lavapipe, that is used by its name', async () => {
      const { stdout, stderr, changes } = await run('new-mesa', `${setup} && ${used}`, { prepare: driver('crashing') });
      expect(lines(stderr)).toEqual([expect.stringMatching(/^setup: using llvmpipe .*: the driver crashes/)]);
      expect(stdout).toMatch(/^adapter +llvmpipe/m);
      expect(changes).toEqual([]);
    }, 600_000);
  });

  test('a library of an old libdrm that is in memory does not matter', async () => {
    const preload = 'LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libdrm.so.2';
    const result = await run('old-mesa', `${setup} && ${preload} ${used}`);
    expect(result.stdout).toMatch(/^adapter +llvmpipe/m);
  }, 600_000);

  test('with apt as root where nothing can be unpacked, the system gets lavapipe', async () => {
    // dpkg-deb is what unpacks; dpkg itself needs it too, by its path.
    const broken =
      'mv /usr/bin/dpkg-deb /usr/bin/real && printf \'#!/bin/sh\\n[ "$1" = -x ] && exit 1\\nexec /usr/bin/real "$@"\\n\' > /usr/bin/dpkg-deb && chmod +x /usr/bin/dpkg-deb';
    const { stdout, stderr } = await run(
      'old-mesa',
      `${broken} && ${setup} && ${used} && dpkg-query -W mesa-vulkan-drivers`,
    );
    expect(lines(stderr).at(-1)).toMatch(
      /^setup: using llvmpipe .*, the system's lavapipe: no installed Vulkan driver works/,
    );
    expect(stdout).toMatch(/^adapter +llvmpipe/m);
    expect(stdout).toMatch(/mesa-vulkan-drivers.*\t(2[4-9]|[3-9]\d)\./);
  }, 900_000);
});
