import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { driversFile, namesIn, projectFolder, readJson, vulkanFolder, writeJson } from './files.mjs';

/**
 * @typedef {{ drivers: string[], loader: string | null, libraries: string[] }} Drivers
 *   Descriptions of drivers that the Vulkan loader reads instead of the system's (none: the system's), a loader to use
 *   instead of the system's, and libraries to load before both, in this order.
 * @typedef {{ works: boolean, hardware: boolean, adapters: string[], systemLoader: boolean, error?: string,
 *   packageFails?: boolean, crashed?: boolean, hung?: boolean }} ProbeResult
 * @typedef {ProbeResult & { drivers: Drivers }} Found
 */

/** The drivers that the system finds by itself. @type {Drivers} */
export const systemChoice = { drivers: [], loader: null, libraries: [] };

/**
 * Milliseconds. Lavapipe needs a second for its first shader, on a busy machine several times that; GPUs without a display may
 * take half a minute each to wake up; a driver that hangs never ends. One that set-up brought is known to work, if slowly.
 */
export const probeLimits = { software: 45_000, gpu: 90_000, ours: 180_000 };

/** Where the Vulkan loader looks for drivers on Linux. */
const driverFolders = [
  '/usr/share/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/etc/vulkan/icd.d',
  '/usr/local/etc/vulkan/icd.d',
  join(homedir(), '.local/share/vulkan/icd.d'),
];

/** SwiftShader as Debian's package chromium-common has it: outside the folders above, so it must be named. */
const chromiumSwiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** @returns {string | undefined} drivers that the user chose; set-up leaves that choice alone */
export function chosenDrivers() {
  const chosen = process.env['VK_DRIVER_FILES'] || process.env['VK_ICD_FILENAMES'];
  // A command of ours passes its own choice on to the commands that it starts.
  return chosen === installedDrivers()?.drivers.join(':') ? undefined : chosen;
}

/** @returns {Drivers | null} the recorded choice */
function installedDrivers() {
  const recorded = readJson(driversFile);
  if (!Array.isArray(recorded?.drivers) || !Array.isArray(recorded.libraries)) return null;
  const path = (/** @type {string} */ file) => resolve(vulkanFolder, file);
  return {
    drivers: recorded.drivers.map(path),
    loader: recorded.loader && path(recorded.loader),
    libraries: recorded.libraries.map(path),
  };
}

/** @returns {string[]} device nodes of GPUs */
export function gpuNodes() {
  const nodes = namesIn('/dev').filter((name) => /^(nvidia\d+|dxg|kfd)$/.test(name));
  return [...nodes, ...namesIn('/dev/dri').filter((name) => name.startsWith('renderD'))];
}

/** @returns {string[]} paths of the driver descriptions that the loader finds by itself */
export function systemDrivers() {
  return driverFolders.flatMap((folder) => namesIn(folder).map((name) => join(folder, name)));
}

/** @returns {string[]} those of them that are lavapipe's: one for each architecture */
export function lavapipeDrivers() {
  return systemDrivers().filter((file) => /\/lvp_icd[^/]*\.json$/.test(file));
}

/** @returns {string | null} the description of a SwiftShader that the system has */
export const systemSwiftShader = () => (existsSync(chromiumSwiftShader) ? chromiumSwiftShader : null);

/**
 * @param {Drivers} drivers
 * @param {number} limit in milliseconds
 * @returns {Found} what WebGPU makes of them
 */
export function probe(drivers, limit = gpuNodes().length > 0 ? probeLimits.gpu : probeLimits.software) {
  const env = { ...process.env };
  if (!chosenDrivers()) {
    // Loaders before 1.3.207 know the second name only; later ones prefer the first.
    for (const name of ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']) delete env[name];
    if (drivers.drivers.length > 0) env['VK_DRIVER_FILES'] = env['VK_ICD_FILENAMES'] = drivers.drivers.join(':');
  }
  const script = fileURLToPath(new URL('probe.mjs', import.meta.url));
  const child = spawnSync(process.execPath, [script, JSON.stringify(drivers)], {
    cwd: projectFolder,
    env,
    encoding: 'utf8',
    timeout: limit,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const line = child.stdout?.trim().split('\n').at(-1) ?? '';
  if (child.status === 0 && line.startsWith('{')) return { ...JSON.parse(line), drivers };
  const hung = /ETIMEDOUT/.test(String(child.error));
  const end = child.error?.message ?? child.signal ?? `exit code ${child.status}`;
  const error = hung ? 'the driver hangs' : `the driver crashes (${end})`;
  return { works: false, hardware: false, adapters: [], systemLoader: true, error, crashed: true, hung, drivers };
}

/** @param {string} library name of a driver's library @returns {string} path of a description of it for the loader */
function describeDriver(library) {
  const file = join(vulkanFolder, `${library.split('.')[0]}.json`);
  const content = { file_format_version: '1.0.0', ICD: { library_path: library, api_version: '1.3.0' } };
  if (JSON.stringify(readJson(file)) !== JSON.stringify(content)) writeJson(file, content);
  return file;
}

/**
 * Drivers of the system that are worth a try by name when it does not find a GPU by itself, the best first.
 * @param {Found} first what the system finds by itself
 * @param {string | null} loader to use where the system has none
 * @returns {Drivers[]}
 */
function candidates(first, loader) {
  if (!first.systemLoader && !loader) return [];
  const tries = first.systemLoader ? [] : [[]];
  // A driver beside it that crashes or hangs takes a good one with it: each by itself then.
  if (first.crashed && gpuNodes().length > 0) {
    tries.push(
      ...systemDrivers()
        .filter((file) => !lavapipeDrivers().includes(file))
        .map((file) => [file]),
    );
  }
  if (gpuNodes().some((name) => name.startsWith('nvidia'))) {
    // Containers often have NVIDIA's libraries without the description that makes the loader see them.
    tries.push(...['libGLX_nvidia.so.0', 'libEGL_nvidia.so.0'].map((library) => [describeDriver(library)]));
  }
  if (!first.works && lavapipeDrivers().length > 0) tries.push(lavapipeDrivers());
  return tries.map((drivers) => ({ drivers, loader: first.systemLoader ? null : loader, libraries: [] }));
}

/**
 * @param {string | null} loader in `.vulkan/`, for a system that has drivers and no loader
 * @returns {{ found: Found, system: Found }} the best adapter of those that the system has: hardware, then what it finds by
 *   itself; and what it finds by itself
 */
export function findAdapter(loader) {
  let system = probe(systemChoice);
  // A machine under load may fail once.
  if (system.crashed && !system.hung) system = probe(systemChoice);
  const alone = system.hardware || system.packageFails || process.platform !== 'linux' || chosenDrivers();
  let found = system;
  for (const drivers of alone ? [] : candidates(system, loader)) {
    const next = probe(drivers);
    if (next.hardware || (next.works && !found.works)) found = next;
    if (found.hardware) break;
  }
  return { found, system };
}

/** @param {Found} found @returns {boolean} whether it is software and not the fastest of its kind */
export const isSlow = ({ works, hardware, adapters }) =>
  works && !hardware && !adapters.some((name) => /llvmpipe/i.test(name));

/**
 * Everything that a found adapter depends on and that changes without set-up: while it stays, nobody needs to look again.
 * @returns {string}
 */
export function fingerprint() {
  const installed = installedDrivers();
  const named = [...(installed?.drivers ?? []), installed?.loader ?? '', ...(installed?.libraries ?? [])];
  const files = [...systemDrivers(), ...named, ...(chosenDrivers()?.split(':') ?? [])].filter(Boolean).map((file) => {
    const stats = statSync(file, { throwIfNoEntry: false });
    // Relative to the project where it is inside, so that the project may be moved.
    const inside = relative(vulkanFolder, file);
    return [inside.startsWith('..') ? file : inside, stats ? stats.mtimeMs : 'gone'];
  });
  const webgpu = readJson(join(projectFolder, 'node_modules', 'webgpu', 'package.json'))?.version;
  const facts = [process.platform, process.arch, process.version, webgpu, chosenDrivers() ?? '', files, gpuNodes()];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}
