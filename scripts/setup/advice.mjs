import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { chosenDrivers, gpuNodes, systemDrivers } from './adapter.mjs';

/** @returns {boolean} */
function insideWsl() {
  if (process.platform !== 'linux') return false;
  try {
    return /microsoft/i.test(readFileSync('/proc/version', 'utf8'));
  } catch {
    return false;
  }
}

/** @returns {string[]} how a GPU that may be in this machine could be reached, for a run that would go without it */
export function gpuAdvice() {
  const nodes = gpuNodes();
  const container = existsSync('/.dockerenv') || existsSync('/run/.containerenv');
  if (nodes.some((name) => name.startsWith('nvidia'))) {
    return [
      'this machine has an NVIDIA GPU, but no working Vulkan driver for it. In a container: start it with ' +
        '`--gpus all -e NVIDIA_DRIVER_CAPABILITIES=all`; otherwise install the graphics part of the NVIDIA driver.',
    ];
  }
  if (insideWsl())
    return ['WSL has no Vulkan access to the GPU; the same commands use it when run in Windows itself (Direct3D 12).'];
  if (container && nodes.length === 0) {
    return [
      'this container has no GPU. If the machine has one, pass it through with ' +
        '`--gpus all -e NVIDIA_DRIVER_CAPABILITIES=all` (NVIDIA) or `--device /dev/dri` (AMD, Intel).',
    ];
  }
  return [];
}

/** @returns {string[]} what a user can install, by kind of machine */
function remedies() {
  if (process.platform === 'darwin')
    return ['On macOS WebGPU uses Metal: it needs macOS 11 or newer and a session with access to the GPU.'];
  if (process.platform === 'win32') return ['On Windows WebGPU uses Direct3D 12: update the graphics driver.'];
  return [
    ...gpuAdvice(),
    "With a GPU: install its vendor's driver with Vulkan support; `vulkaninfo --summary` lists what is found.",
    "Without one: install lavapipe, Mesa's software Vulkan driver (version 24 or newer), and the Vulkan loader, as root:",
    '  Debian, Ubuntu   apt-get install mesa-vulkan-drivers libvulkan1   (Debian 12: add -t bookworm-backports)',
    '  Fedora           dnf install mesa-vulkan-drivers vulkan-loader',
    '  Arch             pacman -S vulkan-swrast vulkan-icd-loader',
  ];
}

/**
 * @param {import('./adapter.mjs').Found} system what the system finds by itself
 * @returns {string} why that does not do
 */
export function systemReason(system) {
  if (process.platform === 'linux' && !system.packageFails) {
    const drivers = systemDrivers().map((file) => basename(file));
    const installed = drivers.length > 0 ? ` (installed: ${drivers.join(', ')})` : '';
    if (system.crashed) return `${system.error}${installed}`;
    if (!system.systemLoader) return 'no Vulkan loader is installed';
    if (system.works) return 'no faster driver is installed';
    if (system.adapters.length === 0) {
      return drivers.length > 0
        ? `no installed Vulkan driver works with WebGPU${installed}`
        : 'no Vulkan driver is installed';
    }
  }
  const seen = system.adapters.length > 0 ? ` (adapters: ${system.adapters.join(', ')})` : '';
  return `${system.error ?? 'no adapter works'}${seen}`;
}

/**
 * The error when no adapter was found or could be set up.
 * @param {{ packageFails?: boolean }} found
 * @param {string[]} tried what was tried, with the reason it failed
 * @returns {string}
 */
export function noAdapter(found, tried) {
  const chosen = chosenDrivers();
  let todo = remedies();
  if (found.packageFails) {
    todo = [
      'Delete node_modules to have it reinstalled. On Linux the binary needs glibc and libstdc++ as new as those of Debian 12',
      'or Ubuntu 22.04: with another C library (Alpine) or an older system, use a container of one of those.',
    ];
  } else if (chosen) {
    todo = [`VK_DRIVER_FILES or VK_ICD_FILENAMES is set to ${chosen}: unset it, or name a driver that works.`];
  }
  const lines = ['no WebGPU adapter was found, and none could be set up:', ...tried.map((line) => `  ${line}`)];
  return [...lines, ...todo, 'Then run the same command again.'].join('\n');
}
