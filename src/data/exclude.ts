/** `--exclude`: globs of photos and folders to leave out. */
import picomatch from 'picomatch';
import { UserError } from '../errors.ts';

/** Leaves out what globs match, and knows how often each did. */
export class Exclusions {
  private readonly globs: readonly { readonly pattern: string; matches(path: string): boolean; count: number }[];

  /**
   * @param patterns globs of paths relative to the data folder. One without '/' is compared with names at any depth; one that matches
   *   a folder leaves out all that is in it.
   * @throws UserError (usage) an empty one
   */
  constructor(patterns: readonly string[] = []) {
    this.globs = patterns.map((pattern) => {
      const normal = pattern.replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
      if (normal === '')
        throw new UserError(`--exclude '${pattern}': matches no file; give a glob such as '*_small.jpg'`, 2);
      const basename = !normal.includes('/');
      const matches = picomatch(normal, { basename, dot: true, nonegate: true, strictBrackets: false });
      return { pattern, matches, count: 0 };
    });
  }

  /** @param path relative to the data folder, '/' between the parts */
  has(path: string): boolean {
    const found = this.globs.filter(({ matches }) => matches(path));
    for (const glob of found) glob.count++;
    return found.length > 0;
  }

  /** Patterns that matched nothing so far. */
  get unused(): string[] {
    return this.globs.filter(({ count }) => count === 0).map(({ pattern }) => pattern);
  }
}
