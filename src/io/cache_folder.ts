import { homedir } from 'node:os';
import { join } from 'node:path';

/** The user's folder for what can be made again, by the conventions of each system. */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'simclr-webgpu', 'Cache');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'simclr-webgpu');
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'simclr-webgpu');
}
