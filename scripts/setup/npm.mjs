import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, say } from './console.mjs';
import { projectFolder, readJson } from './files.mjs';

/** As in "engines" of package.json: the oldest version that this is tested with. */
const oldestNode = [20, 9];

/** @param {string} version of Node, as in process.versions.node */
export function checkNode(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  throw new SetupError(`Node ${oldestNode.join('.')} or newer is required, and this is Node ${version}.`);
}

/** Options for npm, so that an unreachable registry costs seconds: by default npm waits and tries again for minutes. */
export const networkLimits = ['--fetch-retries=0', '--fetch-timeout=15000'];

/** The longest look at the registry in milliseconds: npm's own limit does not cover the look-up of the server's name. */
const lookLimit = 30_000;

/**
 * Runs the npm that started this script, else the one on the PATH.
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 */
export function runNpm(args, options = {}) {
  const script = process.env['npm_execpath'];
  const settings = { cwd: projectFolder, encoding: /** @type {const} */ ('utf8'), ...options };
  if (script && /npm-cli\.c?js$/.test(script)) return spawnSync(process.execPath, [script, ...args], settings);
  // Windows has npm as a .cmd file, which only a shell can start; the arguments are this project's own words.
  return spawnSync('npm', args, { ...settings, shell: process.platform === 'win32' });
}

/**
 * Whether node_modules holds what the lock file asks for. The contents are compared, not the times: a checkout gives
 * files new times, and npm keeps its own copy of the lock file in node_modules as the last thing it writes.
 * @param {any} wanted package-lock.json
 * @param {any} installed node_modules/.package-lock.json
 */
export function isInstalled(wanted, installed) {
  if (!wanted?.packages || !installed?.packages) return false;
  return Object.entries(wanted.packages).every(([path, entry]) => {
    if (path === '') return true;
    const there = installed.packages[path];
    // Optional packages are binaries for other platforms.
    return there ? there.version === entry.version : entry.optional === true;
  });
}

/** Installs the npm packages unless they are there. */
export function ensureDependencies() {
  const complete = ['webgpu', 'esbuild'].every((name) => existsSync(join(projectFolder, 'node_modules', name)));
  if (complete && isComplete(projectFolder)) return;
  const reason = install(projectFolder, 'npm packages');
  if (reason !== null)
    throw new SetupError(`npm could not install the packages: ${reason}. Then run this command again.`);
}

/**
 * Installs what only tests use, from test/package.json: readers of other programs' formats and a driver of browsers, 400 MB.
 * Tests that need them say so where they are skipped: set-up goes on without them.
 */
export function ensureTestPackages() {
  const folder = join(projectFolder, 'test');
  if (isComplete(folder)) return;
  const reason = install(folder, 'npm packages of the tests');
  if (reason !== null) say(`tests that need packages of test/package.json are skipped (${reason})`);
}

/** @param {string} folder of a package.json @returns {boolean} whether its node_modules holds what its lock file asks for */
function isComplete(folder) {
  const modules = join(folder, 'node_modules');
  if (!existsSync(modules)) return false;
  const lock = readJson(join(folder, 'package-lock.json'));
  return !lock || isInstalled(lock, readJson(join(modules, '.package-lock.json')));
}

/** @param {string} cwd folder of a package.json @param {string} what @returns {string | null} why it failed */
function install(cwd, what) {
  const unreachable = registryFailure();
  say(`installing ${what}${unreachable ? " from npm's cache" : ' (about a minute)'} …`);
  // Not `npm ci`, which refuses a lock file that lacks the binaries of other platforms, as npm writes it at times.
  // Development packages are wanted even where NODE_ENV says production: training builds with esbuild.
  // No package needs its install script, and that of onnxruntime-node would fetch CUDA.
  const options = ['--no-save', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = runNpm(['install', ...options, ...(unreachable ? ['--offline'] : [])], {
    cwd,
    stdio: ['ignore', 2, 2],
  });
  return status === 0 ? null : (unreachable ?? 'see its messages above');
}

/** @returns {string | null} why the registry cannot be reached, null where it can */
function registryFailure() {
  const { status, stderr, error } = runNpm(['view', 'webgpu', 'version', ...networkLimits, '--loglevel=error'], {
    timeout: lookLimit,
    killSignal: 'SIGKILL',
  });
  if (/ETIMEDOUT/.test(String(error))) return npmReason('npm error code ETIMEDOUT');
  if (error) throw new SetupError(`npm did not start (${error.message}): install npm, then run this command again.`);
  return status === 0 ? null : npmReason(String(stderr));
}

/** @param {string} stderr of npm @returns {string} its reason in one line */
export function npmReason(stderr) {
  const code = /npm (?:error|ERR!) code (\w+)/.exec(stderr)?.[1] ?? 'no error code';
  const network = /^(ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ENETUNREACH)$/.test(code);
  return network
    ? `the npm registry cannot be reached (${code}): check the network and npm's proxy settings`
    : `npm failed with ${code}`;
}
