/**
 * The build plugin for browsers: where `x.browser.ts` lies beside `x.ts`, it takes its place. Nothing that runs asks where it is.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The file that is meant in browsers. */
export const inBrowsers = (path) => {
  const twin = path.replace(/\.ts$/, '.browser.ts');
  return path.endsWith('.ts') && existsSync(twin) ? twin : path;
};

/** For esbuild. */
export const twins = {
  name: 'twins',
  setup(build) {
    build.onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir }) => ({
      path: inBrowsers(resolve(resolveDir, path)),
    }));
  },
};
