/**
 * Makes one archive that runs on a machine without npm, Node or internet: `simclr-webgpu-<version>-linux-<arch>.tar.xz`.
 *
 *   node scripts/pack.mjs [--out FILE] [--golden FOLDERS] [--fast]
 *
 * --out     the archive (default: in pack/)
 * --golden  folders of PyTorch's values, separated by `:`, that the packed tests compare with too (as GOLDEN_DIR for npm test)
 * --fast    compresses little, for trying things
 *
 * It has the program, the benchmark and the tests of kernels and gradients; of native code Dawn, libvips and resvg; the Node that
 * runs this; the Vulkan loader of this machine; and the licences of all that. It is for machines like this one: Linux, the same
 * processor, glibc not older than what these parts ask for.
 */
import { parseArgs } from 'node:util';
import { PackError, say } from './pack/project.mjs';
import { SetupError } from './setup/console.mjs';
import { checkNode, ensureDependencies } from './setup/npm.mjs';

/** Errors that say what the user can do; others show where they were thrown. */
const isForUser = (error) =>
  error instanceof PackError || error instanceof SetupError || String(error?.code).startsWith('ERR_PARSE_ARGS');

try {
  const { values } = parseArgs({
    options: { out: { type: 'string' }, golden: { type: 'string' }, fast: { type: 'boolean', default: false } },
  });
  checkNode(process.versions.node);
  ensureDependencies();
  // Packages that it imports are there from here on.
  const { pack } = await import('./pack/pack.mjs');
  await pack(values);
} catch (error) {
  if (!isForUser(error)) throw error;
  say(error.message);
  process.exitCode = 1;
}
