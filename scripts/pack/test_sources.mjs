/** For esbuild: what vite does with the sources of tests, and what moves with them into a bundle. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { PackError, projectFolder } from './project.mjs';
import { vi } from './tests/vitest.mjs';

const call = /import\.meta\.glob(?:<[^(]*>)?\(\s*(\[[^\]]*\])\s*,\s*\{ eager: true \}\s*,?\s*\)/g;

/** @param {string} folder @param {string[]} patterns `./*.ts` and `!./not_this.ts` @returns {string[]} relative to the folder */
function expand(folder, patterns) {
  const without = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  return patterns
    .filter((pattern) => !pattern.startsWith('!'))
    .flatMap((pattern) => {
      const path = posix.dirname(pattern);
      const end = posix.basename(pattern).slice(1);
      const files = readdirSync(join(folder, path)).filter((file) => file.endsWith(end));
      return files.map((file) => `./${posix.join(path, file)}`);
    })
    .filter((file) => !without.includes(file))
    .sort();
}

/** Vite's `import.meta.glob([…], { eager: true })` becomes an import of each file. */
function importGlobs(path, text) {
  const imports = [];
  const body = text.replaceAll(call, (_, patterns) => {
    const files = expand(dirname(path), JSON.parse(patterns.replaceAll("'", '"')));
    const entries = files.map((file) => {
      const name = `globbed${imports.length}`;
      imports.push(`import * as ${name} from '${file}';`);
      return `'${file}': ${name}`;
    });
    return `{ ${entries.join(', ')} }`;
  });
  if (body.includes('import.meta.glob('))
    throw new PackError(`${path}: import.meta.glob has options that cannot be packed`);
  return imports.length > 0 ? `${imports.join(' ')} ${body}` : body;
}

/**
 * Files that a test reads beside itself lie at the same place beside `main.js`, which runs the tests; the test's own code may
 * lie in any chunk.
 */
function keepFolder(path, text) {
  const folder = relative(join(projectFolder, 'test'), dirname(path));
  return text.replaceAll('import.meta.dirname', `process.argv[1].replace(/main\\.js$/, ${JSON.stringify(folder)})`);
}

/** Refuses tests that use more of vitest than packed tests have. */
function checkUses(path, text) {
  const missing = [...text.matchAll(/\bvi\.(\w+)/g)].find(([, name]) => !(name in vi));
  if (missing) throw new PackError(`${path}: '${missing[0]}' is not in scripts/pack/tests/vitest.mjs; add it there`);
  return text;
}

/** @type {import('esbuild').Plugin} */
export const testSources = {
  name: 'sources of tests',
  setup(build) {
    build.onLoad({ filter: /[\\/]test[\\/].*\.ts$/ }, ({ path }) => ({
      contents: keepFolder(path, importGlobs(path, checkUses(path, readFileSync(path, 'utf8')))),
      loader: 'ts',
    }));
  },
};
