/** A Chromium for tests of pages; undefined where there is none, or nothing that drives it. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { playwright } from './packages.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

export const executablePath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap((folder) => names.map((name) => join(folder, name)))
  .find((path) => existsSync(path));

/** Why there is none, for the name of what is skipped. */
export const missing = playwright
  ? executablePath
    ? ''
    : ' (skipped: no chromium on the PATH)'
  : ' (skipped: no playwright-core)';

/** Opens it with WebGPU by its own software rasteriser. */
export const openChromium = () =>
  playwright!.chromium.launch({
    executablePath: executablePath!,
    args: ['--headless', '--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
  });
