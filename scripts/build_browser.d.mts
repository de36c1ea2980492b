import type { BuildOptions, BuildResult } from 'esbuild';

export function bundled<T extends BuildOptions>(
  entryPoints: BuildOptions['entryPoints'],
  options: T,
): Promise<BuildResult<T>>;
export function browserFiles(): Promise<{ readonly file: string; readonly packages: readonly string[] }[]>;
export function buildModules(outdir: string): Promise<void>;
export function buildPage(outdir: string): Promise<void>;
