import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { driversFile, namesIn, projectFolder, readJson, vulkanFolder, writeJson } from './files.mjs';
import { swiftShaderFiles } from './swiftshader.mjs';

/**
 * @typedef {{ VK_DRIVER_FILES: string | null, loader: string | null }} Drivers
 * @typedef {{ works: boolean, hardware: boolean, adapters: string[], systemLoader: boolean, error?: string,
 *   packageFails?: boolean, crashed?: boolean }} ProbeResult
 * @typedef {ProbeResult & { drivers: Drivers }} Found
 */

/** Lavapipe needs a second for its first shader, a loaded machine several times that; a hanging driver never ends. */
const probeLimit = 60_000;

/** Where the Vulkan loader looks for drivers on Linux. */
const driverFolders = [
  '/usr/share/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
  '/etc/vulkan/icd.d',
  '/usr/local/etc/vulkan/icd.d',
  join(homedir(), '.local/share/vulkan/icd.d'),
];

/** SwiftShader as Debian's package chromium-common has it: outside the folders above, so it must be named. */
export const chromiumSwiftShader = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** @returns {string | undefined} drivers that the user chose; set-up leaves that choice alone */
export function chosenDrivers() {
  return process.env['VK_DRIVER_FILES'] || process.env['VK_ICD_FILENAMES'];
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

/** @param {Drivers} drivers @returns {ProbeResult} */
export function probe(drivers) {
  const env = { ...process.env };
  if (drivers.VK_DRIVER_FILES) env['VK_DRIVER_FILES'] = drivers.VK_DRIVER_FILES;
  const script = fileURLToPath(new URL('probe.mjs', import.meta.url));
  const child = spawnSync(process.execPath, [script, drivers.loader ?? ''], {
    cwd: projectFolder,
    env,
    encoding: 'utf8',
    timeout: probeLimit,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const line = child.stdout?.trim().split('\n').at(-1) ?? '';
  if (child.status === 0 && line.startsWith('{')) return JSON.parse(line);
  const end = child.error ? child.error.message : `ended by ${child.signal ?? `exit code ${child.status}`}`;
  const error = `looking for adapters: ${end}`;
  return { works: false, hardware: false, adapters: [], systemLoader: true, error, crashed: true };
}

/**
 * Drivers worth a try that need nothing installed, the best first.
 * @param {ProbeResult} first what the system finds by itself
 * @returns {Drivers[]}
 */
function candidates(first) {
  const ours = swiftShaderFiles();
  const loader = first.systemLoader ? null : ours.loader;
  if (!first.systemLoader && !loader) return [];
  const tries = [];
  if (loader) tries.push({ VK_DRIVER_FILES: null, loader });
  if (gpuNodes().some((name) => name.startsWith('nvidia'))) {
    // Containers often have NVIDIA's libraries without the description that makes the loader see them.
    for (const library of ['libGLX_nvidia.so.0', 'libEGL_nvidia.so.0']) {
      tries.push({ VK_DRIVER_FILES: describeDriver(library), loader });
    }
  }
  if (!first.works) {
    // Lavapipe by its name: another driver beside it may be the one that crashes.
    const lavapipe = lavapipeDrivers().join(':');
    for (const files of [lavapipe, chromiumSwiftShader, ours.icd]) {
      if (files && existsSync(files.split(':')[0])) tries.push({ VK_DRIVER_FILES: files, loader });
    }
    // A system's loader from before 2022 does not know VK_DRIVER_FILES; SwiftShader's own does.
    if (ours.icd && !loader) tries.push({ VK_DRIVER_FILES: ours.icd, loader: ours.loader });
  }
  return tries;
}

/** @param {string} library name of a driver's library @returns {string} path of a description of it for the loader */
function describeDriver(library) {
  const file = join(vulkanFolder, `${library.split('.')[0]}.json`);
  const content = { file_format_version: '1.0.0', ICD: { library_path: library, api_version: '1.3.0' } };
  if (JSON.stringify(readJson(file)) !== JSON.stringify(content)) writeJson(file, content);
  return file;
}

/** @returns {Found} the best adapter that needs nothing installed: hardware, then what the system finds by itself */
export function findAdapter() {
  const none = { VK_DRIVER_FILES: null, loader: null };
  let first = { ...probe(none), drivers: none };
  // A machine under load may be slow once; nothing is to be installed for that.
  if (first.crashed) first = { ...probe(none), drivers: none };
  if (first.hardware || first.packageFails || process.platform !== 'linux' || chosenDrivers()) return first;
  let best = first;
  for (const drivers of candidates(first)) {
    const found = { ...probe(drivers), drivers };
    if (found.hardware) return found;
    if (found.works && !best.works) best = found;
  }
  return best;
}

/**
 * Everything that a found adapter depends on and that changes without set-up: while it stays, nobody needs to look again.
 * @returns {string}
 */
export function fingerprint() {
  const drivers = readJson(driversFile);
  const named = (drivers?.VK_DRIVER_FILES ?? '')
    .split(':')
    .concat(drivers?.loader ?? '', chosenDrivers()?.split(':') ?? []);
  const files = [...systemDrivers(), ...named.filter(Boolean)].map((file) => {
    const stats = statSync(file, { throwIfNoEntry: false });
    return [file, stats ? stats.mtimeMs : 'gone'];
  });
  const webgpu = readJson(join(projectFolder, 'node_modules', 'webgpu', 'package.json'))?.version;
  const facts = [
    process.platform,
    process.arch,
    process.version,
    webgpu,
    drivers,
    chosenDrivers() ?? '',
    files,
    gpuNodes(),
  ];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}
