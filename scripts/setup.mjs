/**
 * Makes sure that the npm packages and a WebGPU adapter are there; does nothing, quickly, when they are.
 *
 *   node scripts/setup.mjs [--test] [--quiet] [--again]
 *
 * --test   also what only tests use: packages of test/package.json, a second software adapter where there is no GPU, for root
 *          Open MPI and Chromium
 * --quiet  no advice, only what takes time and what goes wrong
 * --again  looks for a better adapter even if one was found before
 *
 * Only Node's own modules are imported here: on a fresh machine there are no others. What is downloaded goes to `.vulkan/`,
 * which git ignores; the system changes only where that cannot work and the user is root.
 */
import { join } from 'node:path';
import {
  chosenDrivers,
  findAdapter,
  fingerprint,
  isSlow,
  lavapipeDrivers,
  probe,
  probeLimits,
  systemSwiftShader,
} from './setup/adapter.mjs';
import { gpuAdvice, noAdapter, systemReason } from './setup/advice.mjs';
import { hasApt } from './setup/apt.mjs';
import { ensureChromium } from './setup/chromium.mjs';
import { DriverFailure, hint, reasonOf, SetupError, say } from './setup/console.mjs';
import { readJson, vulkanFolder, writeDrivers, writeJson } from './setup/files.mjs';
import { fetchLavapipe, installLavapipe, privateLavapipe } from './setup/lavapipe.mjs';
import { ensureMpi } from './setup/mpi.mjs';
import { checkNode, ensureDependencies, ensureTestPackages } from './setup/npm.mjs';
import { fetchSwiftShader, privateSwiftShader } from './setup/swiftshader.mjs';

/**
 * @typedef {import('./setup/adapter.mjs').Found} Found
 * @typedef {import('./setup/adapter.mjs').Drivers} Drivers
 * @typedef {{ found: Found, name: string }} Choice
 */

const readyFile = join(vulkanFolder, 'ready.json');

/**
 * Software drivers in the order of their worth. `prepare` fetches or installs one and throws with the reason it cannot;
 * `drivers` are null where it is not there yet.
 * @returns {{ name: string, drivers: () => Drivers | null, prepare?: () => void, changesSystem?: boolean }[]}
 */
function softwareDrivers() {
  const root = process.getuid?.() === 0;
  const steps = [];
  if (hasApt()) steps.push({ name: 'lavapipe in .vulkan', drivers: privateLavapipe, prepare: fetchLavapipe });
  if (hasApt() && root) {
    const drivers = () =>
      lavapipeDrivers().length > 0 ? { drivers: lavapipeDrivers(), loader: null, libraries: [] } : null;
    steps.push({ name: "the system's lavapipe", drivers, prepare: installLavapipe, changesSystem: true });
  }
  const system = () => {
    const file = systemSwiftShader();
    return file ? { drivers: [file], loader: null, libraries: [] } : null;
  };
  steps.push({ name: "the system's SwiftShader", drivers: system });
  steps.push({ name: 'SwiftShader in .vulkan', drivers: privateSwiftShader, prepare: fetchSwiftShader });
  return steps;
}

/**
 * Proves a software driver, as it is or once it has been prepared, by a kernel that runs.
 * @param {ReturnType<typeof softwareDrivers>[number]} step
 * @returns {Found} throws with the reason it does not work
 */
function prove({ drivers, prepare }) {
  const there = drivers();
  let found = there && probe(there, probeLimits.ours);
  if (!found?.works && prepare) {
    prepare();
    const prepared = drivers();
    found = prepared && probe(prepared, probeLimits.ours);
  }
  if (!found) throw new Error('not installed');
  if (found.crashed) throw new DriverFailure(found.error);
  if (!found.works) throw new Error(found.error ?? 'WebGPU does not accept it');
  return found;
}

/**
 * Finds a software driver that works.
 * @param {Found} system what the system has by itself, which does not do
 * @returns {Choice & { failed: string[] }} throws a SetupError with all that was tried
 */
function chooseSoftware(system) {
  const failed = [];
  let sharedFailure = false;
  for (const step of softwareDrivers()) {
    if (step.changesSystem && sharedFailure) continue;
    try {
      return { found: prove(step), name: step.name, failed };
    } catch (error) {
      sharedFailure ||= error instanceof DriverFailure;
      failed.push(`${step.name}: ${reasonOf(error)}`);
    }
  }
  throw new SetupError(noAdapter(system, [systemReason(system), ...failed]));
}

/**
 * Adds SwiftShader to lavapipe: they differ in subgroup size and in what they forgive, so tests run on both.
 * @param {Found} found
 * @returns {Found}
 */
function withSecondAdapter(found) {
  if (found.hardware || chosenDrivers() || !found.adapters.some((name) => /llvmpipe/i.test(name))) return found;
  const first = found.drivers.drivers.length > 0 ? found.drivers.drivers : lavapipeDrivers();
  if (first.length === 0) return found;
  try {
    if (!systemSwiftShader() && !privateSwiftShader()) fetchSwiftShader();
  } catch (error) {
    say(`no second software adapter for tests (SwiftShader): ${reasonOf(error)}`);
  }
  const second = systemSwiftShader() ?? privateSwiftShader()?.drivers[0];
  if (!second) return found;
  const both = probe({ ...found.drivers, drivers: [...new Set([...first, second])] });
  return both.works && both.adapters.length > 1 ? both : found;
}

/** @param {Found} found @param {string} name of the driver @param {Found} system @param {string[]} failed */
function announce(found, name, system, failed) {
  const because = found === system ? '' : `: ${[systemReason(system), ...failed].join('; ')}`;
  const using = `using ${found.adapters[0]}${name ? `, ${name}` : ''}${because}`;
  if (!isSlow(found)) return say(using);
  const remedy = hasApt()
    ? "'npm run setup' tries again to get lavapipe"
    : "install lavapipe, version 24 or newer, with the system's package manager";
  say(`${using}. It is about 5 times slower than lavapipe: ${remedy}`);
}

/** @param {boolean} test whether a second software adapter is wanted @param {boolean} again whether to look in any case */
function ensureAdapter(test, again) {
  const ready = readJson(readyFile);
  const same = ready?.fingerprint === fingerprint() && !again;
  if (same && (!test || ready.test || ready.hardware)) return;
  const { found: first, system } = findAdapter((privateLavapipe() ?? privateSwiftShader())?.loader ?? null);
  /** @type {Choice & { failed: string[] }} */
  let choice = { found: first, name: '', failed: [] };
  const given = chosenDrivers() || system.packageFails || process.platform !== 'linux';
  if (given && !first.works) throw new SetupError(noAdapter(first, [systemReason(first)]));
  if (!given && (!first.works || isSlow(first))) choice = chooseSoftware(system);
  if (!choice.found.hardware && !same) gpuAdvice().forEach(hint);
  if (!same) announce(choice.found, choice.name, system, choice.failed);
  // Once tests have brought the second adapter, it stays.
  const both = test || (ready?.test ?? false);
  const found = both ? withSecondAdapter(choice.found) : choice.found;
  // The choice of a user who sets the environment is for that run, not for the next.
  if (!chosenDrivers()) writeDrivers(found.drivers);
  writeJson(readyFile, { fingerprint: fingerprint(), test: both, hardware: found.hardware, adapters: found.adapters });
}

try {
  checkNode(process.versions.node);
  ensureDependencies();
  ensureAdapter(process.argv.includes('--test'), process.argv.includes('--again'));
  if (process.argv.includes('--test')) {
    ensureTestPackages();
    ensureMpi();
    ensureChromium();
  }
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
