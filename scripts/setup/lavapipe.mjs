import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { dependenciesAmong, PrivateApt, release } from './apt.mjs';
import { say } from './console.mjs';
import { privateDependencies } from './elf.mjs';
import { namesIn, readJson, replaceFolder, vulkanFolder, writeJson } from './files.mjs';

/** Dawn refuses the lavapipe of Mesa 22; from this version on it is known to take it. */
const oldestMesa = 24;
const driverPackage = 'mesa-vulkan-drivers';
const loaderPackage = 'libvulkan1';
const driver = 'libvulkan_lvp.so';
const loader = 'libvulkan.so.1';
const folder = join(vulkanFolder, 'lavapipe');
const manifest = join(folder, 'manifest.json');

/** @returns {import('./adapter.mjs').Drivers | null} lavapipe in `.vulkan/`, null where it is not there */
export function privateLavapipe() {
  const libraries = readJson(manifest)?.libraries;
  if (!Array.isArray(libraries)) return null;
  const files = [...libraries, loader].map((name) => join(folder, name));
  return { drivers: [join(folder, 'lvp_icd.json')], loader: join(folder, loader), libraries: files.slice(0, -1) };
}

/** @param {string} version e.g. 25.0.7-2~bpo12+1, or 1:24.2.1 */
const major = (version) => Number.parseInt(version.replace(/^\d+:/, ''), 10);

/**
 * Finds a Mesa that Dawn takes, and fetches the lists that it takes to install it.
 * @param {PrivateApt} apt with the distribution's list
 * @returns {string | undefined} the suite to prefer; undefined where the distribution's own is new enough
 */
function mesaSuite(apt) {
  const offered = apt.versions(driverPackage).map(({ version }) => version);
  if (offered.some((version) => major(version) >= oldestMesa)) {
    apt.addSuites(undefined);
    return undefined;
  }
  const { id, codename } = release();
  const found = offered[0]
    ? `has Mesa ${major(offered[0])}, and WebGPU needs ${oldestMesa}`
    : `has no ${driverPackage}`;
  const suite = `${codename}-backports`;
  apt.addSuites(id === 'debian' ? suite : undefined);
  const newer = apt.versions(driverPackage).find(({ version }) => major(version) >= oldestMesa);
  if (!newer) throw new Error(`${id} ${codename} ${found}`);
  return newer.suite;
}

/** @param {(apt: PrivateApt, suite: string | undefined) => void} use is given apt and the suite that has Mesa */
function withMesa(use) {
  const apt = new PrivateApt();
  try {
    apt.useDistribution();
    use(apt, mesaSuite(apt));
  } finally {
    apt.close();
  }
}

/**
 * Unpacks lavapipe, the Vulkan loader and the libraries that the system lacks, or has too old, into `.vulkan/lavapipe`. The
 * system stays as it is, and any user may do it. Throws with the reason it cannot.
 */
export function fetchLavapipe() {
  say(`downloading lavapipe, a software Vulkan driver, to .vulkan (${release().id} packages, 12 to 50 MB, once) …`);
  withMesa((apt, suite) => {
    const all = apt.simulate([driverPackage, loaderPackage], suite);
    const packages = dependenciesAmong(driverPackage, all, apt.describe(all));
    if (!packages.has(driverPackage)) throw new Error(`apt would not install ${driverPackage}`);
    replaceFolder(folder, (to, temporary) => {
      apt.download(packages, temporary);
      unpack(temporary, to, packages);
    });
  });
}

/**
 * Keeps of some packages what lavapipe needs, in one flat folder, with a description for the Vulkan loader whose path is
 * relative: the project may be moved.
 * @param {string} downloads a folder with .deb files
 * @param {string} to an empty folder
 * @param {Map<string, string>} packages versions by name
 */
function unpack(downloads, to, packages) {
  const root = join(downloads, 'root');
  for (const name of namesIn(downloads).filter((name) => name.endsWith('.deb'))) {
    const { status, stderr, error } = spawnSync('dpkg-deb', ['-x', join(downloads, name), root], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name} could not be unpacked: ${error?.message ?? stderr.trim()}`);
  }
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const path = (/** @type {string} */ name) => {
    const found = files.find((file) => basename(file) === name);
    if (!found) throw new Error(`${driverPackage} ${packages.get(driverPackage)} has no ${name}`);
    return join(root, found);
  };
  const libraries = privateDependencies(path(driver), root);
  for (const { name, file } of libraries) copyFileSync(file, join(to, name));
  copyFileSync(path(driver), join(to, driver));
  copyFileSync(path(loader), join(to, loader));
  const description = files.find((file) => /\/lvp_icd[^/]*\.json$/.test(file));
  const version = description ? readJson(join(root, description))?.ICD?.api_version : undefined;
  const ICD = { library_path: `./${driver}`, api_version: version ?? '1.3.0' };
  writeJson(join(to, 'lvp_icd.json'), { file_format_version: '1.0.0', ICD });
  const content = { packages: Object.fromEntries(packages), libraries: libraries.map(({ name }) => name) };
  writeJson(join(to, basename(manifest)), content);
}

/** Installs lavapipe and the Vulkan loader on the system, with whatever must be newer for it. Throws with the reason it cannot. */
export function installLavapipe() {
  say(
    `installing lavapipe, a software Vulkan driver, on the system (${release().id} packages, one to three minutes) …`,
  );
  withMesa((apt, suite) => apt.install([driverPackage, loaderPackage], suite));
}
