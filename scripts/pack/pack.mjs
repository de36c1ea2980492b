/** Puts an archive together in a folder of its own, and compresses it. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { archive } from './archive.mjs';
import { bundle } from './bundles.mjs';
import { writeLicences } from './licences.mjs';
import { copiedPackages, copyPackages } from './packages.mjs';
import { name, PackError, projectFolder, say, version } from './project.mjs';
import { checkPlatform, copyNode, copyVulkanLoader, findVulkanLoader } from './runtime.mjs';

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Bytes that an archive may have: what is easily carried to a machine without internet. */
const mostBytes = 40e6;

/** @returns {string} what was packed; the benchmark writes it into its reports */
function commit() {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: projectFolder,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  } catch {
    return 'unknown';
  }
}

/** @param {string} folder of the archive */
function writeLauncher(folder) {
  const libraries = process.arch === 'arm64' ? 'AArch64' : 'x86-64';
  const text = readFileSync(join(projectFolder, 'scripts/pack/simclr.sh'), 'utf8');
  const launcher = join(folder, 'simclr');
  writeFileSync(launcher, text.replace('@LIBRARIES@', libraries).replace('@COMMIT@', commit()));
  chmodSync(launcher, 0o755);
}

/** Fills the folder that becomes the archive. @param {string} folder @param {string[]} golden */
async function stage(folder, golden) {
  const loader = findVulkanLoader();
  const lib = join(folder, 'lib');
  mkdirSync(lib, { recursive: true });
  // The program looks for the folder that has it, and Node learns from it that these files are modules.
  writeFileSync(join(lib, 'package.json'), `${JSON.stringify({ name, version, type: 'module' })}\n`);
  say('bundling program, benchmark and tests');
  const inputs = await bundle(lib);
  copyPackages(lib);
  copyNode(folder);
  copyVulkanLoader(folder, loader);
  writeLauncher(folder);
  writeLicences(folder, { inputs, copied: copiedPackages, loader });
  copyFileSync(join(projectFolder, 'LICENSE'), join(folder, 'LICENSE'));
  copyFileSync(join(projectFolder, 'docs/offline.md'), join(folder, 'README.md'));
  golden.forEach((from, i) => cpSync(from, join(folder, 'golden', String(i)), { recursive: true }));
}

/**
 * @param {{ out?: string, golden?: string, fast: boolean }} options of the command line
 * @throws {PackError} it cannot be made here, or is too large
 */
export async function pack({ out, golden, fast }) {
  checkPlatform();
  const goldenFolders = golden?.split(':') ?? [];
  const missing = goldenFolders.find((folder) => !existsSync(folder));
  if (missing !== undefined) throw new PackError(`--golden ${missing} is not there`);
  const base = `${name}-${version}-${process.platform}-${process.arch}`;
  const file = resolve(out ?? join(projectFolder, 'pack', `${base}.tar.xz`));
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw new PackError(`--out ${out}: is a folder; give the file to write, such as ${base}.tar.xz`);
  const staging = mkdtempSync(join(tmpdir(), 'simclr-pack-'));
  try {
    await stage(join(staging, base), goldenFolders);
    mkdirSync(dirname(file), { recursive: true });
    say(`compressing${fast ? ' a little' : ', which takes a minute or two'}`);
    const bytes = await archive(join(staging, base), file, fast ? '1' : '9e');
    say(`${relative(process.cwd(), file)}: ${megabytes(bytes)}`);
    if (!fast && bytes > mostBytes) throw new PackError(`the archive is larger than ${megabytes(mostBytes)}`);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}
