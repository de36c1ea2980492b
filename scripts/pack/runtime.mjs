/** What the archive has besides this project and its packages: Node, and the Vulkan loader. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, realpathSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { driversFile, readJson, vulkanFolder } from '../setup/files.mjs';
import { PackError } from './project.mjs';

/** Libraries that every glibc system has, or that come with its C++ compiler's run time. */
const everywhere = /^(linux-vdso|ld-linux|libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s|libatomic)[.-]/;

/** Where loaders are when `ldconfig` does not say. */
const libraryFolders = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
];

/** What a command printed, or nothing when it is not there or fails. */
function outputOf(command, ...args) {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', env });
  return status === 0 ? stdout : '';
}

/** @throws {PackError} the archive would not run elsewhere, or nobody has tried */
export function checkPlatform() {
  if (process.platform !== 'linux' || !process.report.getReport().header.glibcVersionRuntime) {
    throw new PackError(`archives are made on and for Linux with glibc, and this is ${process.platform}: run it there`);
  }
  const libraries = outputOf('ldd', process.execPath).matchAll(/^\s*(\S+)/gm);
  const foreign = [...libraries].map((match) => basename(match[1])).filter((name) => !everywhere.test(name));
  if (foreign.length > 0) {
    throw new PackError(
      `${process.execPath} needs libraries that another machine may not have (${foreign.join(', ')}): run this with Node from nodejs.org`,
    );
  }
}

/**
 * Copies a program or library without its symbol table, where `strip` is there: debuggers read it, nothing else does.
 * @param {string} from
 * @param {string} to
 */
export function copyStripped(from, to) {
  if (spawnSync('strip', ['-o', to, from]).status !== 0) copyFileSync(from, to);
}

/** The Node that runs this. @param {string} folder of the archive */
export function copyNode(folder) {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  copyStripped(realpathSync(process.execPath), join(folder, 'bin', 'node'));
}

/** @returns {string} the file of this machine's Vulkan loader, or of the one that set-up brought */
export function findVulkanLoader() {
  const cached = /^\s*libvulkan\.so\.1 \(libc6,(?:x86-64|AArch64)[^)]*\) => (\S+)$/m.exec(outputOf('ldconfig', '-p'));
  const candidates = [cached?.[1], ...libraryFolders.map((folder) => join(folder, 'libvulkan.so.1'))];
  const own = readJson(driversFile)?.loader;
  if (own) candidates.push(resolve(vulkanFolder, own));
  const found = candidates.find((file) => file && existsSync(file));
  if (found) return realpathSync(found);
  throw new PackError('this machine has no Vulkan loader (libvulkan.so.1) to pack: apt-get install libvulkan1');
}

/** @param {string} folder of the archive @param {string} loader */
export function copyVulkanLoader(folder, loader) {
  mkdirSync(join(folder, 'vulkan'), { recursive: true });
  copyStripped(loader, join(folder, 'vulkan', 'libvulkan.so.1'));
}
