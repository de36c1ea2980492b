/** Folders that this program writes results to. Their pictures are never taken for photos to train on. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { writeFileAtomic } from '../io/files.ts';
import { isHidden, isPhoto, packageFolders } from './photo_names.ts';

/** The file that marks a folder of results, as `CACHEDIR.TAG` marks a cache. */
export const resultsMarker = '.simclr-results';
const text = 'Pictures in this folder and below are results of simclr-webgpu, which never takes them for photos.\n';

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const evaluations = ['linear', 'knn', 'finetune', 'low-label', 'kmeans', 'tsne', 'robustness', 'neighbors', 'transfer'];

/** Files by which a folder is known that a version without the marker has written, and what they hold then. */
const signs = new Map<string, (content: Readonly<Record<string, unknown>>) => boolean>([
  [
    'config.json',
    ({ version, settings, images, mode }) =>
      version === 1 && isObject(settings) && (typeof images === 'number' || typeof mode === 'string'),
  ],
  [
    'experiment.json',
    ({ version, pretrain, supervised }) => version === 1 && isObject(pretrain) && isObject(supervised),
  ],
  ...evaluations.map(
    (name) => [`${name}.json`, ({ evaluation }: { evaluation?: unknown }) => evaluation === name] as const,
  ),
]);

/** Whether a folder with these entries is one of results. */
export const holdsResults = (folder: string, names: readonly string[]): boolean =>
  names.includes(resultsMarker) || names.some((name) => hasSign(folder, name));

function hasSign(folder: string, name: string): boolean {
  const isSign = signs.get(name);
  if (!isSign) return false;
  try {
    const content: unknown = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    return isObject(content) && isSign(content as Record<string, unknown>);
  } catch {
    return false;
  }
}

/** Marks a folder, which must be there. */
export function markResults(folder: string): void {
  if (!existsSync(join(folder, resultsMarker))) writeFileAtomic(join(folder, resultsMarker), text);
}

/** Entries that are looked at for photos: results may go to the root of a disk, which nobody wants to see walked. */
const mostEntries = 20_000;

/** UserError: the folder holds photos. Results there would be mixed with them, and the marker would hide them. */
export function checkResultsPlace(path: string, option = '--out'): void {
  const photo = firstPhoto(path);
  if (photo === undefined) return;
  throw new UserError(
    `${path}: holds photos (${photo}), and results would be mixed with them; choose another ${option}, such as ${join(path, 'results')}`,
  );
}

function firstPhoto(root: string): string | undefined {
  const pending = [''];
  let looked = 0;
  for (let path = pending.shift(); path !== undefined && looked < mostEntries; path = pending.shift()) {
    const entries = listed(join(root, path));
    looked += entries.length;
    if (
      holdsResults(
        join(root, path),
        entries.map(({ name }) => name),
      )
    )
      continue;
    for (const entry of entries) {
      if (isHidden(entry.name) || packageFolders.includes(entry.name)) continue;
      if (entry.isDirectory()) pending.push(join(path, entry.name));
      else if (isPhoto(entry.name)) return join(path, entry.name);
    }
  }
  return undefined;
}

function listed(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // Not there, or not readable: whatever writes to it will say so.
  }
}
