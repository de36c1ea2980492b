import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** @param {{ VK_DRIVER_FILES: string | null, loader: string | null }} drivers */
export function writeDrivers(drivers) {
  if (drivers.VK_DRIVER_FILES || drivers.loader) writeJson(driversFile, drivers);
  else if (existsSync(driversFile)) rmSync(driversFile, { force: true });
}

/** @param {string} folder @returns {string[]} the names in it, none where it cannot be read */
export function namesIn(folder) {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
