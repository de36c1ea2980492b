/** The dashboard, loaded when it is asked for. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../errors.ts';
import { recalledAddress, rememberAddress } from './address.ts';
import { type Dashboard, serve } from './server.ts';
import type { Watcher } from './watcher.ts';

export { Watcher } from './watcher.ts';

/** Where the build puts the page, seen from the program: this file is a part of `dist/` then. */
const builtPage = join(dirname(fileURLToPath(import.meta.url)), 'watch');

/**
 * Serves the page of some runs, under the address that it had before where that is free.
 * @param port asked for by the user
 * @throws UserError that port cannot be had
 */
export async function startDashboard(watcher: Watcher, port?: number, assets = builtPage): Promise<Dashboard> {
  const before = recalledAddress(watcher.roots);
  const { token } = before;
  const start = (port: number) => serve({ watcher, assets, token, port });
  const dashboard = await (port !== undefined ? start(port) : start(before.port).catch(elsewhere));
  rememberAddress(watcher.roots, { token, port: dashboard.port });
  return dashboard;

  /** The port that it had before belongs to somebody else now. */
  function elsewhere(error: unknown): Promise<Dashboard> {
    if (error instanceof UserError) return start(0);
    throw error;
  }
}
