/** The licences of what the archive has: a file a package. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { PackError, projectFolder } from './project.mjs';

const isLicence = (file) => /^(licen[cs]e|copying|notice|third[-_]party)/i.test(file);
/** Packages of native code name the licences of the libraries inside in their README. */
const isReadme = (file) => /^readme/i.test(file);
/**
 * Texts that packages name instead of having them: tfjs is under the Apache licence, libvips under the LGPL, which is the GPL with
 * exceptions.
 */
const commonLicences = ['Apache-2.0', 'LGPL-3', 'GPL-3'].map((name) => join('/usr/share/common-licenses', name));

/** @param {string} file as esbuild names its inputs @returns {string | undefined} the folder of the package it is from */
function packageFolder(file) {
  const found = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file);
  return found?.[0];
}

/** @param {string[]} texts @param {string} to */
function writeLicence(texts, to) {
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(
    to,
    texts
      .map((text) => text.trim())
      .join(`\n\n${'-'.repeat(80)}\n\n`)
      .concat('\n'),
  );
}

/** @returns {string[]} a file, or the files of a folder */
const filesAt = (path) => (statSync(path).isFile() ? [path] : readdirSync(path).map((file) => join(path, file)));

function packageLicence(folder, more) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const names = readdirSync(folder).filter((file) => isLicence(file) || more(file));
  const files = names.sort().flatMap((file) => filesAt(join(folder, file)));
  return {
    name,
    texts: [`${name} ${version}, licence: ${license}`, ...files.map((file) => readFileSync(file, 'utf8'))],
  };
}

/** Beside Node's program, where its archives have it, or where distributions put it. */
function nodeLicence() {
  const folder = dirname(realpathSync(process.execPath));
  const candidates = [
    '../LICENSE',
    '../share/doc/nodejs/LICENSE',
    '../share/doc/node/LICENSE',
    '../share/doc/nodejs/copyright',
  ];
  const found = candidates.map((file) => join(folder, file)).find((file) => existsSync(file));
  if (found) return readFileSync(found, 'utf8');
  throw new PackError(
    `Node's licence is not found beside ${process.execPath} (LICENSE): run this with Node from nodejs.org`,
  );
}

/** @param {string} loader its file @returns {string} */
function loaderLicence(loader) {
  const file = '/usr/share/doc/libvulkan1/copyright';
  if (existsSync(file)) return readFileSync(file, 'utf8');
  return `The Vulkan loader (${loader}): Apache License 2.0, https://github.com/KhronosGroup/Vulkan-Loader`;
}

/**
 * @param {string} folder of the archive
 * @param {{ inputs: readonly string[], copied: readonly string[], loader: string }} contents what bundles were made of, packages
 *   that are there as files, and the Vulkan loader
 */
export function writeLicences(folder, { inputs, copied, loader }) {
  const native = copied.map((name) => join('node_modules', name));
  const bundled = new Set(inputs.map(packageFolder).filter((found) => found && !native.includes(found)));
  const target = join(folder, 'licences');
  for (const [packages, more] of [
    [native, isReadme],
    [[...bundled], () => false],
  ]) {
    for (const found of packages) {
      const { name, texts } = packageLicence(join(projectFolder, found), more);
      writeLicence(texts, join(target, `${name.replace('/', '__')}.txt`));
    }
  }
  writeLicence([`Node ${process.version}`, nodeLicence()], join(target, 'node.txt'));
  writeLicence([loaderLicence(loader)], join(target, 'vulkan-loader.txt'));
  for (const file of commonLicences)
    if (existsSync(file)) copyFileSync(file, join(target, `${file.split('/').at(-1)}.txt`));
}
