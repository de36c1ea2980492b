/** The terminal: what Dawn always prints stays away from it, everything else comes through. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listAdapters } from '../../src/gpu/adapters.ts';

const cli = join(import.meta.dirname, '../../dist/cli.js');
const harmless =
  'Warning: maxDynamicUniformBuffersPerPipelineLayout artificially reduced from 1000000 to 16 to fit dynamic offset allocation limit.';
const adapters = await listAdapters();

describe.skipIf(process.platform !== 'linux')('stderr', () => {
  const folder = mkdtempSync(join(import.meta.dirname, '../../dist/quiet-'));
  const script = join(folder, 'script.mjs');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeAll(() => {
    const source = join(import.meta.dirname, '../../src/gpu/quiet.ts');
    buildSync({
      entryPoints: [source],
      outfile: join(folder, 'quiet.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
    });
  });

  /** What a process leaves on stderr that does `inside` while the filter is there; `print` writes as native code does. */
  function run(inside: string, after = ''): string {
    const text = `
      import { writeSync } from 'node:fs';
      import { withoutHarmlessMessages } from './quiet.mjs';
      const print = (text) => writeSync(2, text);
      print('before\\n');
      await withoutHarmlessMessages(async () => { ${inside} });
      print('after\\n'); ${after}`;
    writeFileSync(script, text);
    return spawnSync(process.execPath, [script], { encoding: 'utf8' }).stderr;
  }

  test('lines come through in order, but for the harmless ones', () => {
    const printed = `print('one\\n${harmless}\\ntwo\\nWarning: maxDynamicX is wrong\\nno end');`;
    expect(run(printed)).toBe('before\none\ntwo\nWarning: maxDynamicX is wrong\nno endafter\n');
  });

  test('more than a pipe holds comes through whole', () => {
    const line = `${'x'.repeat(99)}\n`;
    expect(run(`for (let i = 0; i < 5000; i++) print('${'x'.repeat(99)}\\n');`)).toBe(
      `before\n${line.repeat(5000)}after\n`,
    );
  });

  test('what a process prints before it crashes comes through', () => {
    const crash = `print('${harmless}\\nlast words\\n'); process.kill(process.pid, 'SIGSEGV'); await new Promise((r) => setTimeout(r, 5000));`;
    expect(run(crash)).toBe('before\nlast words\n');
  });

  test('sections inside one another and one after another', () => {
    const nested = `await withoutHarmlessMessages(async () => print('inner\\n${harmless}\\n')); print('outer\\n${harmless}\\n');`;
    const again = `await withoutHarmlessMessages(async () => print('${harmless}\\nagain\\n')); print('end\\n');`;
    expect(run(nested, again)).toBe('before\ninner\nouter\nafter\nagain\nend\n');
  });

  test.skipIf(adapters.length === 0)('a command prints nothing there', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'info'], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain(adapters[0]);
  });

  test.skipIf(adapters.length === 0)('messages of the Vulkan loader come through', () => {
    const env = { ...process.env, VK_LOADER_DEBUG: 'driver' };
    const { stderr } = spawnSync(process.execPath, [cli, 'info'], { encoding: 'utf8', env });
    expect(stderr).toContain('.json');
    expect(stderr).not.toContain('artificially');
  });
});
