/** The archive for machines without internet: made, unpacked elsewhere, and used with no Node and no packages in reach. */
import { execFileSync, type SpawnOptionsWithoutStdio, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder, tiny } from './cli/run.ts';
import { adapters, noise } from './ops/harness.ts';

/** What a full archive may have; the least compression, which is used here, makes it 1.2 times as large (measured). */
const mostBytes = 40e6 * 1.2;

const lacking = ['xz', 'tar'].filter((program) => spawnSync(program, ['--version']).error);
const reason =
  process.platform !== 'linux'
    ? 'archives are for Linux'
    : lacking.length > 0
      ? `no ${lacking.join(', no ')} here`
      : '';

const scratch = scratchFolder();
const file = join(scratch, 'archive.tar.xz');
let folder: string;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Waits without blocking this process, which the test runner asks for signs of life. */
function spawned(program: string, args: readonly string[], options: SpawnOptionsWithoutStdio = {}): Promise<Ended> {
  const child = spawn(program, args, options);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  return new Promise((settle, fail) => {
    child.on('error', fail);
    child.on('close', (status) => settle({ status, stdout, stderr }));
  });
}

/** Another folder, and nothing in the environment but the choice of drivers. */
const bare = {
  cwd: scratch,
  env: { PATH: '/nowhere', COLUMNS: '1000', VK_DRIVER_FILES: process.env['VK_DRIVER_FILES'] },
};

/** Runs the launcher through a link. */
const simclr = (...args: string[]): Promise<Ended> => spawned(join(scratch, 'link'), args, bare);

function writePhotos(target: string): void {
  mkdirSync(target);
  for (let i = 0; i < 8; i++) {
    const png = new PNG({ width: 24, height: 20 });
    png.data.set(noise(png.data.length, i + 1, 100, 128));
    writeFileSync(join(target, `${i}.png`), PNG.sync.write(png));
  }
}

const packedScripts = (): string[] =>
  readdirSync(join(folder, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js'))
    .map((path) => join(folder, 'lib', path));

describe.skipIf(reason !== '')(`an archive${reason && ` (skipped: ${reason})`}`, () => {
  beforeAll(async () => {
    const made = await spawned(process.execPath, ['scripts/pack.mjs', '--fast', '--out', file]);
    expect(made.status, made.stderr).toBe(0);
    expect(await spawned('tar', ['xf', file], { cwd: scratch })).toMatchObject({ status: 0 });
    folder = join(scratch, readdirSync(scratch).find((name) => name.startsWith('simclr-webgpu-'))!);
    symlinkSync(join(folder, 'simclr'), join(scratch, 'link'));
    writePhotos(join(scratch, 'photos'));
  }, 600_000);

  it('is small enough to carry, and names no folder of this machine', () => {
    expect(statSync(file).size).toBeLessThan(mostBytes);
    expect(packedScripts().length).toBeGreaterThan(30);
    expect(packedScripts().filter((path) => readFileSync(path, 'utf8').includes(resolve('.')))).toEqual([]);
  });

  it('has the licence of each package inside', () => {
    const licences = readdirSync(join(folder, 'licences'));
    expect(licences).toEqual(
      expect.arrayContaining(['node.txt', 'vulkan-loader.txt', 'webgpu.txt', 'sharp.txt', 'zod.txt']),
    );
    for (const name of licences) {
      expect(readFileSync(join(folder, 'licences', name), 'utf8'), name).toMatch(/licen[cs]e|copyright/i);
    }
  });

  it('trains on photos, and says how its own launcher goes on', async () => {
    const settings = [...tiny, '--steps', '2', '--out', 'run'];
    const { status, stdout, stderr } = await simclr('train', '--data', 'photos', ...settings);
    expect(stderr).not.toContain('simclr:');
    expect(status).toBe(0);
    expect(stdout).toContain(`${join(scratch, 'link')} export --checkpoint`);
    expect(readdirSync(join(scratch, 'run', 'checkpoints'))).toContain('step-00000002.safetensors');
  });

  it('has the pages of watch and web', async () => {
    for (const [args, address] of [
      [['watch', 'run'], /http:\/\/127\.0\.0\.1:\d+\/[\w-]+\//],
      [['web', '--port', '0'], /http:\/\/127\.0\.0\.1:\d+\//],
    ] as const) {
      const server = spawn(join(scratch, 'link'), args, { ...bare, stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        const url = await new Promise<string>((resolve, reject) => {
          let printed = '';
          server.stdout.on('data', (text) => {
            printed += text;
            const [found] = address.exec(printed) ?? [];
            if (found) resolve(found);
          });
          server.once('close', () => reject(new Error(`simclr ${args[0]} ended: ${printed}`)));
        });
        const page = await (await fetch(url)).text();
        const script = /<script[^>]* src="([^"]+)"/.exec(page)?.[1];
        expect((await fetch(new URL(script!, url))).status, page).toBe(200);
      } finally {
        server.kill('SIGINT');
      }
    }
  });

  it('has the benchmark with tfjs', async () => {
    const { stdout, stderr } = await simclr('bench', '--help');
    expect(stdout, stderr).toMatch(/--peer[^-]*tfjs/);
  });

  describe('its tests', () => {
    it('run, those that are asked for', async () => {
      const { status, stdout } = await simclr('test', 'ops/elementwise');
      expect(stdout).toMatch(/^ops\/elementwise +\d+ passed {2}\([\d.]+ s\)\n(\d+) passed, 0 failed\n$/);
      expect(status).toBe(0);
      const { stdout: chosen } = await simclr('test', 'ops/elementwise', adapters[0], 'relu');
      expect(Number.parseInt(chosen.split('\n')[1], 10)).toBeLessThan(Number.parseInt(stdout.split('\n')[1], 10));
      expect(chosen).toMatch(/^[1-9]\d* passed, 0 failed$/m);
    });

    it('include the long ones with --full', async () => {
      const files = async (...args: string[]) => {
        const { stdout } = await simclr('test', ...args, 'ops/elementwise', adapters[0], 'relu');
        return stdout.split('\n').flatMap((line) => /^(\S+) +\d+ passed/.exec(line)?.[1] ?? []);
      };
      const packed = (name: string) => join(folder, 'lib', 'test', name);
      expect(existsSync(packed('step.full.test.js'))).toBe(true);
      copyFileSync(packed('ops/elementwise.test.js'), packed('ops/elementwise.full.test.js'));
      expect(await files()).toEqual(['ops/elementwise']);
      expect(await files('--full')).toEqual(['ops/elementwise.full', 'ops/elementwise']);
      rmSync(packed('ops/elementwise.full.test.js'));
    });

    it('fail when none is found', async () => {
      const { status, stdout } = await simclr('test', 'ops/elementwise', 'no such test');
      expect(stdout).toBe("no test has 'ops/elementwise' and 'no such test' in its name or file\n0 passed, 0 failed\n");
      expect(status).toBe(1);
    });

    it('fail when a kernel does', async () => {
      const damaged = packedScripts().filter((path) => {
        const text = readFileSync(path, 'utf8');
        const other = text.replaceAll('value < 0.0', 'value > 0.0');
        if (path.includes('/lib/test/') && other !== text) writeFileSync(path, other);
        return path.includes('/lib/test/') && other !== text;
      });
      expect(damaged).not.toEqual([]);
      const { status, stdout } = await simclr('test', 'ops/elementwise', 'relu');
      expect(stdout).toMatch(/[1-9]\d* FAILED.*\n {2}failed: .*relu/);
      expect(stdout).toMatch(/\d+ passed, [1-9]\d* failed\n$/);
      expect(status).toBe(1);
    });
  });
});

describe.skipIf(process.platform === 'win32')('the launcher', () => {
  /** What Node would see as LD_LIBRARY_PATH, on a system where `ldconfig -p` prints this. */
  function libraryPath(cache: string, given = ''): string {
    const place = join(scratch, `launcher ${readdirSync(scratch).length}`);
    const script = (name: string, text: string) => {
      writeFileSync(join(place, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(place, name), 0o755);
    };
    mkdirSync(join(place, 'bin'), { recursive: true });
    copyFileSync('scripts/pack/simclr.sh', join(place, 'simclr'));
    script('bin/ldconfig', `echo '${cache}'`);
    script('bin/node', `printf %s "\${LD_LIBRARY_PATH-unset}"`);
    const env = { PATH: join(place, 'bin'), ...(given && { LD_LIBRARY_PATH: given }) };
    const seen = execFileSync('/bin/sh', [join(place, 'simclr'), 'info'], { env, encoding: 'utf8' });
    return seen.replace(place, 'here');
  }

  it.each([
    ['takes its own Vulkan loader where the system has none', '', '', 'here/vulkan'],
    ['takes it after the folders that the user names', '', '/mine', '/mine:here/vulkan'],
    ['leaves the system its own', '\tlibvulkan.so.1 (libc6,@LIBRARIES@) => /lib/libvulkan.so.1', '', 'unset'],
    ['knows a loader for another processor', '\tlibvulkan.so.1 (libc6) => /lib32/libvulkan.so.1', '', 'here/vulkan'],
  ])('%s', (_what, cache, given, expected) => {
    expect(libraryPath(cache, given)).toBe(expected);
  });
});
