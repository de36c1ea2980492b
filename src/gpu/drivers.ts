import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What `scripts/setup.mjs` writes where Vulkan drivers are not in the system's own places. */
interface InstalledDrivers {
  VK_DRIVER_FILES: string | null;
  loader: string | null;
}

/** The project's folder: the nearest one above this file with a package.json (the code runs from `src` and from `dist`). */
function projectFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

let done = false;

/** Points the Vulkan loader at the drivers that set-up brought, unless the user chose drivers or there are none. */
export function useInstalledDrivers(): void {
  const file = join(projectFolder(), '.vulkan', 'drivers.json');
  if (done || process.env['VK_DRIVER_FILES'] || !existsSync(file)) return;
  done = true;
  const drivers = JSON.parse(readFileSync(file, 'utf8')) as InstalledDrivers;
  if (drivers.VK_DRIVER_FILES) process.env['VK_DRIVER_FILES'] = drivers.VK_DRIVER_FILES;
  if (drivers.loader) preload(drivers.loader);
}

/** glibc's RTLD_NODELETE, which Node does not name: without it Node unloads the library again when it sees that it is no add-on. */
const keepLoaded = 0x1000;

/** Loads a shared library, so that Dawn's own `dlopen` by its name finds it: search paths are fixed when a process starts. */
function preload(library: string): void {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | keepLoaded);
  } catch {
    // It is loaded now; Node only says that it is no add-on.
  }
}
