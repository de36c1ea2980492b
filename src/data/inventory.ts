/** The files that images were read from: kept beside a run, so that it resumes with the same images or says which ones differ. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { writeFileAtomic } from '../io/files.ts';
import { readRecords } from '../io/json_files.ts';

export interface ListedFile {
  /** Relative to the data folder, '/' between the parts. */
  readonly file: string;
  readonly bytes: number;
  /** Digest of samples of its content, for a file that holds many images. */
  readonly sample?: string;
}

/** A file whose content is all known: the digest is of the whole of it. */
export const listedWhole = (file: string, content: Uint8Array): ListedFile => ({
  ...{ file, bytes: content.length },
  sample: createHash('sha256').update(content).digest('hex'),
});

const fileName = 'images.jsonl';

const textOf = ({ file, bytes, sample }: ListedFile): string =>
  JSON.stringify({ file, bytes, ...(sample !== undefined && { sample }) });

/** SHA-256 of a list, in any order. */
export function inventoryDigest(files: readonly ListedFile[]): string {
  const hash = createHash('sha256');
  for (const line of files.map(textOf).sort()) hash.update(line).update('\n');
  return hash.digest('hex');
}

/** Keeps the list in the folder of a run. */
export function writeInventory(folder: string, files: readonly ListedFile[]): void {
  writeFileAtomic(join(folder, fileName), [files.map((file) => `${textOf(file)}\n`).join('')]);
}

const listedFile = z.object({
  file: z.string(),
  bytes: z.number().int().min(0),
  sample: z.string().optional(),
});

/** The list that a folder keeps. UserError: it is missing, damaged, or not the one with this digest. */
function readInventory(folder: string, digest: string): readonly ListedFile[] {
  const file = join(folder, fileName);
  const files = readRecords(listedFile, file, 'restore the file');
  if (inventoryDigest(files) !== digest) throw new UserError(`${file}: not the list that it was started with`);
  return files;
}

/** What differs between the images that a folder was started with and those of now; undefined: nothing does. */
export function inventoryDifference(folder: string, digest: string, now: readonly ListedFile[]): string | undefined {
  if (inventoryDigest(now) === digest) return undefined;
  try {
    return compare(readInventory(folder, digest), now);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `files were added, removed or changed (which ones cannot be determined: ${error.message})`;
  }
}

function compare(before: readonly ListedFile[], now: readonly ListedFile[]): string {
  const old = new Map(before.map((listed) => [listed.file, textOf(listed)]));
  const current = new Set(now.map(({ file }) => file));
  const parts: readonly (readonly [string, readonly ListedFile[]])[] = [
    ['added', now.filter(({ file }) => !old.has(file))],
    ['removed', before.filter(({ file }) => !current.has(file))],
    ['changed', now.filter((listed) => old.has(listed.file) && old.get(listed.file) !== textOf(listed))],
  ];
  return parts
    .filter(([, files]) => files.length > 0)
    .map(
      ([what, files], i) =>
        `${files.length}${i === 0 ? ` ${files.length === 1 ? 'file' : 'files'}` : ''} ${what} (${namesOf(files)})`,
    )
    .join(', ');
}

const namesOf = (files: readonly ListedFile[]): string =>
  `${files
    .slice(0, 2)
    .map(({ file }) => file)
    .join(', ')}${files.length > 2 ? ', …' : ''}`;
