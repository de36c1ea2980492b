import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { messageOf, UserError } from '../src/errors.ts';
import type { Item, ListItems, OpenPeer, Request } from './benchmark.ts';
import type { Peer } from './measure.ts';

/** `dist`: the program and the modules of cases and peers lie there side by side. */
const folder = dirname(fileURLToPath(import.meta.url));
const load = async (module: string): Promise<unknown> =>
  ((await import(pathToFileURL(join(folder, module)).href)) as { default: unknown }).default;

/** They take longest, so they come last. */
const wholeSteps = ['step', 'pipeline'];

/** Names of all cases. */
export const cases = readdirSync(join(folder, 'cases'))
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.replace(/\.js$/, ''))
  .sort((a, b) => wholeSteps.indexOf(a) - wholeSteps.indexOf(b) || a.localeCompare(b));

/** Names of all peers. */
export const peers = readdirSync(join(folder, 'peers'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

/** The items of a case at the sizes asked for. */
export const itemsOf = async (op: string, request: Request): Promise<readonly Item<unknown>[]> =>
  ((await load(`cases/${op}.js`)) as ListItems<unknown>)(request);

/** Those of the peers that have the case, with how to load them. */
export const peersOf = (op: string, names: readonly string[]): Peer[] =>
  names
    .filter((name) => existsSync(join(folder, 'peers', name, `${op}.js`)))
    .map((name) => ({ name, load: () => loadPeer(name, op) }));

async function loadPeer(name: string, op: string): Promise<OpenPeer<unknown>> {
  try {
    return (await load(`peers/${name}/${op}.js`)) as OpenPeer<unknown>;
  } catch (error) {
    throw new UserError(`cannot be loaded (${messageOf(error)}); run npm install`);
  }
}
