import { existsSync, readFileSync } from 'node:fs';
import { chosenDrivers, gpuNodes } from './adapter.mjs';

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
      'there is an NVIDIA GPU here, but no Vulkan driver for it works. In a container: start it with ' +
        '`--gpus all -e NVIDIA_DRIVER_CAPABILITIES=all`; otherwise install the graphics part of the NVIDIA driver.',
    ];
  }
  if (insideWsl())
    return ['in WSL Vulkan does not reach the GPU: in Windows itself the same commands do, by Direct3D 12.'];
  if (container && nodes.length === 0) {
    return [
      'this is a container without a GPU. If the machine has one: `--gpus all -e NVIDIA_DRIVER_CAPABILITIES=all` ' +
        '(NVIDIA) or `--device /dev/dri` (AMD, Intel) pass it through.',
    ];
  }
  return [];
}

/** @returns {string[]} what a user can install, by kind of machine */
function remedies() {
  if (process.platform === 'darwin')
    return ['macOS has Metal: it takes macOS 11 or newer and a session that may use the GPU.'];
  if (process.platform === 'win32') return ['Windows has Direct3D 12: update the graphics driver.'];
  return [
    ...gpuAdvice(),
    "With a GPU: install its vendor's driver with Vulkan; `vulkaninfo --summary` shows whether it is found.",
    "Without one: install Mesa's lavapipe, version 24 or newer, and the Vulkan loader, as root:",
    '  Debian, Ubuntu   apt-get install mesa-vulkan-drivers libvulkan1   (Debian 12: add -t bookworm-backports)',
    '  Fedora           dnf install mesa-vulkan-drivers vulkan-loader',
    '  Arch             pacman -S vulkan-swrast vulkan-icd-loader',
  ];
}

/**
 * The last word when no adapter could be found or set up.
 * @param {{ packageFails?: boolean }} found
 * @param {string[]} tried what was tried, with the reason it failed
 * @returns {string}
 */
export function whatToDo(found, tried) {
  const chosen = chosenDrivers();
  let todo = remedies();
  if (found.packageFails) {
    todo = [
      'Delete node_modules, so that it is installed anew. On Linux its binary takes glibc and a libstdc++ of about the',
      'age of Debian 12 or Ubuntu 22.04: on another C library (Alpine) or an older system use a container of those.',
    ];
  } else if (chosen) {
    todo = [`VK_DRIVER_FILES or VK_ICD_FILENAMES is set, to ${chosen}: unset it, or name a driver that works.`];
  }
  const lines = ['no WebGPU adapter was found, and none could be set up.', ...tried.map((line) => `  tried: ${line}`)];
  return [...lines, ...todo, 'Then run the same command again.'].join('\n');
}
