import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder; set-up works there whatever the current folder is. */
export const projectFolder = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** What set-up fetched or found out; git ignores it, and deleting it only makes the next run look again. */
export const vulkanFolder = join(projectFolder, '.vulkan');

/** The contract with src/gpu: drivers outside the system's own places. Absent where the system's are enough. */
export const driversFile = join(vulkanFolder, 'drivers.json');

/** @param {string} file @returns {any} its content, or null where there is none or it is damaged */
export function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/**
 * Writes in one step, so that a run beside this one never reads half a file.
 * @param {string} file
 * @param {unknown} value
 */
export function writeJson(file, value) {
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}.tmp`;
  writeFileSync(partial, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(partial, file);
}

/**
 * Records the drivers to use; paths inside `.vulkan/` are relative to it, so that the project may be moved.
 * @param {import('./adapter.mjs').Drivers} drivers
 */
export function writeDrivers({ drivers, loader, libraries }) {
  if (drivers.length === 0 && !loader) return rmSync(driversFile, { force: true });
  const path = (/** @type {string} */ file) => {
    const inside = relative(vulkanFolder, file);
    return inside.startsWith('..') ? file : inside;
  };
  writeJson(driversFile, {
    drivers: drivers.map(path),
    loader: loader && path(loader),
    libraries: libraries.map(path),
  });
}

/** @param {string} folder @returns {string[]} the names in it, none where it cannot be read */
export function namesIn(folder) {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/**
 * Makes a folder anew in one step: it is there whole or not at all, whatever happens meanwhile.
 * @param {string} folder
 * @param {(to: string, temporary: string) => void} fill puts the content into an empty folder; the other is for what is not kept
 */
export function replaceFolder(folder, fill) {
  const temporary = `${folder}.${process.pid}.tmp`;
  const to = join(temporary, 'out');
  mkdirSync(to, { recursive: true });
  try {
    fill(to, temporary);
    rmSync(folder, { recursive: true, force: true });
    renameSync(to, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
