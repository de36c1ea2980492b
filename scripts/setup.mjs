/**
 * Makes sure that the npm packages and a WebGPU adapter are there; does nothing, quickly, when they are.
 *
 *   node scripts/setup.mjs [--test] [--quiet]
 *
 * --test   on a machine without a GPU, also a second software adapter, so that tests run on two
 * --quiet  no advice, only what takes time and what goes wrong
 *
 * Only Node's own modules are imported here: on a fresh machine there are no others. A machine that has a working adapter
 * keeps its packages and settings as they are; what is fetched for it goes to `.vulkan/`, which git ignores.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  chosenDrivers,
  chromiumSwiftShader,
  findAdapter,
  fingerprint,
  lavapipeDrivers,
  probe,
} from './setup/adapter.mjs';
import { gpuAdvice, whatToDo } from './setup/advice.mjs';
import { canUseApt, installLavapipe } from './setup/apt.mjs';
import { hint, reasonOf, SetupError, say } from './setup/console.mjs';
import { driversFile, readJson, vulkanFolder, writeDrivers, writeJson } from './setup/files.mjs';
import { checkNode, ensureDependencies } from './setup/npm.mjs';
import { fetchSwiftShader, swiftShaderFiles } from './setup/swiftshader.mjs';

/** @typedef {import('./setup/adapter.mjs').Found} Found */

const readyFile = join(vulkanFolder, 'ready.json');

/**
 * Runs a step that may fail without ending set-up, and remembers why it did.
 * @param {string[]} tried
 * @param {string} name
 * @param {() => void} step
 * @returns {boolean} whether it worked
 */
function attempt(tried, name, step) {
  try {
    step();
    return true;
  } catch (error) {
    tried.push(`${name}: ${reasonOf(error)}`);
    say(`${name} did not work: ${reasonOf(error)}`);
    return false;
  }
}

/** @param {Found} found @returns {string} why what the system has by itself does not do */
function firstReason(found) {
  const seen = found.adapters.length > 0 ? ` (adapters seen: ${found.adapters.join(', ')})` : '';
  return `the drivers on this machine: ${found.error ?? 'no adapter'}${seen}`;
}

/**
 * Sets up Vulkan in software: from the distribution where this user may install, else from npm.
 * @param {Found} found nothing that works
 * @param {boolean} test
 * @returns {Found}
 */
function setUpSoftware(found, test) {
  const tried = [firstReason(found)];
  if (found.packageFails || process.platform !== 'linux' || chosenDrivers())
    throw new SetupError(whatToDo(found, tried));
  if (canUseApt() && attempt(tried, 'lavapipe from the distribution', () => installLavapipe({ test }))) {
    found = findAdapter();
    if (found.works) return found;
    tried.push(`lavapipe from the distribution: installed, but ${found.error ?? 'Dawn does not take it'}`);
  }
  attempt(tried, 'SwiftShader from npm', fetchSwiftShader);
  found = findAdapter();
  if (!found.works) throw new SetupError(whatToDo(found, tried));
  return found;
}

/**
 * Adds SwiftShader to lavapipe: they differ in subgroup size and in what they forgive, so tests run on both.
 * @param {Found} found
 * @returns {Found}
 */
function withSecondAdapter(found) {
  const lavapipe = lavapipeDrivers();
  const alone = lavapipe.length === 0 || !found.adapters.some((name) => /llvmpipe/i.test(name));
  if (alone || chosenDrivers()) return found;
  if (!existsSync(chromiumSwiftShader)) attempt([], 'a second software adapter for tests', fetchSwiftShader);
  const swiftShader = existsSync(chromiumSwiftShader) ? chromiumSwiftShader : swiftShaderFiles().icd;
  if (!swiftShader) return found;
  const drivers = { VK_DRIVER_FILES: [...lavapipe, swiftShader].join(':'), loader: found.drivers.loader };
  const both = { ...probe(drivers), drivers };
  return both.works && both.adapters.length > 1 ? both : found;
}

/** @param {boolean} test whether a second software adapter is wanted */
function ensureAdapter(test) {
  const before = fingerprint();
  const ready = readJson(readyFile);
  if (ready?.fingerprint === before && (!test || ready.test || ready.hardware)) return;
  const news = ready?.fingerprint !== before;
  // Once tests have brought the second adapter, it stays.
  const both = test || existsSync(driversFile);
  let found = findAdapter();
  if (!found.works) found = setUpSoftware(found, test);
  if (!found.hardware && news) gpuAdvice().forEach(hint);
  if (!found.hardware && both) found = withSecondAdapter(found);
  // The choice of a user who sets the environment is for that run, not for the next.
  if (!chosenDrivers()) writeDrivers(found.drivers);
  if (news) say(`adapters: ${found.adapters.join(', ')}`);
  writeJson(readyFile, { fingerprint: fingerprint(), test: both, hardware: found.hardware, adapters: found.adapters });
}

try {
  checkNode(process.versions.node);
  ensureDependencies();
  ensureAdapter(process.argv.includes('--test'));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
