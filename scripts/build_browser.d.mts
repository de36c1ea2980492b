import type { BuildOptions, BuildResult, Metafile } from 'esbuild';

export function bundled<T extends BuildOptions>(
  entryPoints: BuildOptions['entryPoints'],
  options: T,
): Promise<BuildResult<T>>;
export const pageEntries: Readonly<Record<'main' | 'worker' | 'style', string>>;
export function browserFiles(): Promise<{ readonly file: string; readonly packages: readonly string[] }[]>;
export function buildModules(outdir: string): Promise<void>;
export function buildPage(outdir: string): Promise<Metafile>;
