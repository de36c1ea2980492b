/** npm packages that cannot be bundled, because they are native code or data: what of them the program reads is copied. */
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PackError, projectFolder } from './project.mjs';
import { copyStripped } from './runtime.mjs';

const platform = `${process.platform}-${process.arch}`;

/** Packages that bundles leave as imports, and those that these need; of each, the files besides its package.json. */
export const nativePackages = {
  webgpu: ['index.js', `dist/${platform}`],
  koffi: ['index.js', 'src/koffi/index.js', 'src/koffi/src/static.js'],
  sharp: ['lib'],
  '@resvg/resvg-js': ['index.js', 'js-binding.js'],
  'fs-native-extensions': ['index.js', 'binding.js', `prebuilds/${platform}/fs-native-extensions.node`],
  'dejavu-fonts-ttf': ['ttf/DejaVuSans.ttf', 'ttf/DejaVuSans-Bold.ttf'],
};
const neededByThem = {
  '@img/colour': ['index.cjs', 'color.cjs'],
  [`@koromix/koffi-${platform}`]: ['index.js', platform.replace('-', '_')],
  [`@img/sharp-${platform}`]: ['lib'],
  [`@img/sharp-libvips-${platform}`]: ['lib', 'versions.json'],
  [`@resvg/resvg-js-${platform}-gnu`]: [`resvgjs.${platform}-gnu.node`],
  'bare-addon-resolve': ['index.js', 'lib'],
  'bare-module-resolve': ['index.js', 'lib'],
  'bare-semver': ['index.js', 'lib'],
  'detect-libc': ['lib'],
  'require-addon': ['lib'],
  semver: ['index.js', 'classes', 'functions', 'internal', 'ranges'],
  'which-runtime': ['index.js'],
};
const packages = { ...nativePackages, ...neededByThem };

/** Names of the packages that `copyPackages` copies. */
export const copiedPackages = Object.keys(packages);

/**
 * Copies them into `folder`/node_modules.
 * @param {string} folder
 * @throws {PackError} a package or a file of it is not installed
 */
export function copyPackages(folder) {
  for (const [name, files] of Object.entries(packages)) {
    for (const file of ['package.json', ...files]) {
      const from = join(projectFolder, 'node_modules', name, file);
      if (!existsSync(from)) {
        throw new PackError(
          `node_modules/${name}/${file} is not there: npm ci installs it, for this platform (${platform})`,
        );
      }
      const to = join(folder, 'node_modules', name, file);
      mkdirSync(dirname(to), { recursive: true });
      cpSync(from, to, { recursive: true });
    }
  }
  const dawn = join('node_modules', 'webgpu', 'dist', platform, 'dawn.node');
  copyStripped(join(projectFolder, dawn), join(folder, dawn));
}
