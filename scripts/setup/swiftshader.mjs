import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { say } from './console.mjs';
import { namesIn, replaceFolder, vulkanFolder } from './files.mjs';
import { networkLimits, npmReason, runNpm } from './npm.mjs';

/**
 * SwiftShader and a Vulkan loader, built for any Linux with glibc 2.17 on x64, from a package made for another purpose (a
 * browser for servers without a display). An old version: a smaller download than the newest, and its SwiftShader offers the
 * same features and limits.
 */
const source = {
  name: '@sparticuz/chromium',
  version: '106.0.0',
  sha512: 'AHSTHwca6V5XbbEgYIsOfqs2cTeiICuYWDvuz3BbTkTCUnUPdSWf+TNLmTzVtzm3e3dnYj5zzhv7SGqc//nFHw==',
  megabytes: 53,
  member: 'package/bin/swiftshader.tar.br',
};
const wanted = ['libvk_swiftshader.so', 'vk_swiftshader_icd.json', 'libvulkan.so.1'];
const folder = join(vulkanFolder, 'swiftshader');

/** @returns {import('./adapter.mjs').Drivers | null} SwiftShader in `.vulkan/`, null where it is not there */
export function privateSwiftShader() {
  if (!wanted.every((name) => existsSync(join(folder, name)))) return null;
  return { drivers: [join(folder, 'vk_swiftshader_icd.json')], loader: join(folder, 'libvulkan.so.1'), libraries: [] };
}

/**
 * The regular files of a tar archive.
 * @param {Buffer} archive
 * @returns {Generator<{ name: string, data: Buffer }>}
 */
export function* tarFiles(archive) {
  const text = (/** @type {number} */ from, /** @type {number} */ to) =>
    archive.subarray(from, to).toString('utf8').split('\0')[0].trim();
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, at + 136), 8) || 0;
    const prefix = text(at + 257, at + 263).startsWith('ustar') ? text(at + 345, at + 500) : '';
    const name = text(at, at + 100);
    const type = text(at + 156, at + 157);
    const data = archive.subarray(at + 512, at + 512 + size);
    if (type === '0' || type === '') yield { name: prefix ? `${prefix}/${name}` : name, data };
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** @param {Buffer} tarball of the package @param {string} to an empty folder */
function unpack(tarball, to) {
  const member = [...tarFiles(gunzipSync(tarball))].find((file) => file.name === source.member);
  if (!member) throw new Error(`${source.name} has no ${source.member}`);
  for (const { name, data } of tarFiles(brotliDecompressSync(member.data))) {
    const plain = name.replace(/^\.\//, '');
    if (wanted.includes(plain)) writeFileSync(join(to, plain), data, { mode: 0o755 });
  }
  const missing = wanted.filter((name) => !existsSync(join(to, name)));
  if (missing.length > 0) throw new Error(`${source.name} has no ${missing.join(', ')}`);
}

/** @param {string} to a folder @returns {Buffer} the package as the registry has it */
function download(to) {
  const spec = `${source.name}@${source.version}`;
  // A cache of its own, deleted afterwards: the user's may not be writable, and keeping the archive serves nobody.
  const options = ['--pack-destination', to, '--cache', join(to, 'cache'), ...networkLimits, '--loglevel=error'];
  const { status, stderr, error } = runNpm(['pack', spec, ...options]);
  const file = namesIn(to).find((name) => name.endsWith('.tgz'));
  if (error) throw error;
  if (status !== 0 || !file) throw new Error(npmReason(String(stderr)));
  return readFileSync(join(to, file));
}

/** Fetches SwiftShader into `.vulkan/`; nothing on the system changes. Throws with the reason it cannot. */
export function fetchSwiftShader() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`npm has it for Linux on x64 only, and this is ${process.platform} on ${process.arch}`);
  }
  say(`downloading SwiftShader, a software Vulkan driver, to .vulkan (npm, ${source.megabytes} MB, once) …`);
  replaceFolder(folder, (to, temporary) => {
    const tarball = download(temporary);
    const sum = createHash('sha512').update(tarball).digest('base64');
    if (sum !== source.sha512) throw new Error(`${source.name}@${source.version} does not have the expected checksum`);
    unpack(tarball, to);
  });
}
