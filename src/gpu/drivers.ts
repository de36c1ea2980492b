import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { UserError } from '../errors.ts';

/**
 * What `scripts/setup.mjs` records where Vulkan drivers are not in the system's own places. Paths are relative to `.vulkan/`, or
 * absolute.
 */
interface InstalledDrivers {
  /** Descriptions of drivers for the Vulkan loader. */
  drivers: string[];
  loader: string | null;
  /** Libraries that the drivers need and that the system lacks, each after its own dependencies. */
  libraries: string[];
}

/** The project's folder: the nearest one above this file with a package.json (the code runs from `src` and from `dist`). */
function projectFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

const driversSchema = z.object({
  drivers: z.array(z.string()),
  loader: z.string().nullable(),
  libraries: z.array(z.string()),
});

/** What set-up recorded. UserError: the file is damaged. */
export function readDrivers(file: string): InstalledDrivers {
  try {
    return driversSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new UserError(`${file}: damaged or unreadable; run npm run setup to recreate it`, 1, { cause: error });
  }
}

let done = false;

/** Loads what set-up brought, and points the Vulkan loader at its drivers unless the user chose some. */
export function useInstalledDrivers(): void {
  const folder = join(projectFolder(), '.vulkan');
  const file = join(folder, 'drivers.json');
  if (done || !existsSync(file)) return;
  done = true;
  const { drivers, loader, libraries } = readDrivers(file);
  const named = drivers.map((path) => resolve(folder, path)).join(':');
  const chosen = process.env['VK_DRIVER_FILES'] || process.env['VK_ICD_FILENAMES'];
  // Loaders before 1.3.207 know the second name only.
  if (named && !chosen) process.env['VK_DRIVER_FILES'] = process.env['VK_ICD_FILENAMES'] = named;
  // Whoever chose drivers still needs a loader for them: the user, or the process that started this one.
  for (const library of [...libraries, ...(loader ? [loader] : [])]) preload(resolve(folder, library));
}

/** glibc's RTLD_NODELETE, which Node does not name: without it Node unloads the library again when it sees that it is no add-on. */
const keepLoaded = 0x1000;

/**
 * Loads a shared library, so that Dawn and the drivers, which ask for it by its name, get this one: search paths are fixed when a
 * process starts, but the dynamic linker takes a library of that name that is in memory.
 */
function preload(library: string): void {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | keepLoaded);
  } catch {
    // It is loaded now; Node only says that it is no add-on.
  }
}
