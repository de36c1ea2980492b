/** Fetches STL-10's archive, checks it, and unpacks it. */
import { existsSync, rmSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UserError } from '../errors.ts';
import { discardPart, type FetchOptions, fetchFile } from '../io/fetch_file.ts';
import { fileError } from '../io/file_errors.ts';
import { ensureWritableDir } from '../io/files.ts';
import { hasMembers, type Member, md5Of, unpack } from '../io/unpack.ts';
import type { OnProgress } from './images.ts';
import { STL10_FOLDER, STL10_IMAGE_BYTES } from './stl10.ts';

/** An archive of STL-10's layout: where it is and what it must be. */
export interface Archive {
  readonly url: string;
  /** Bytes of the archive. */
  readonly size: number;
  readonly md5: string;
  /** Files under `stl10_binary/`. */
  readonly members: readonly Member[];
}

/** The real one. Sizes follow from the numbers of images: 5,000, 8,000 and 100,000. */
export const STL10_ARCHIVE: Archive = {
  url: 'http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz',
  size: 2_640_397_119,
  md5: '91f7769df0f17e558f3565bffb0c7dfb',
  members: [
    { name: 'train_X.bin', size: 5_000 * STL10_IMAGE_BYTES, md5: '918c2871b30a85fa023e0c44e0bee87f' },
    { name: 'train_y.bin', size: 5_000, md5: '5a34089d4802c674881badbb80307741' },
    { name: 'unlabeled_X.bin', size: 100_000 * STL10_IMAGE_BYTES, md5: '5242ba1fed5e4be9e1e742405eb56ca4' },
    { name: 'test_X.bin', size: 8_000 * STL10_IMAGE_BYTES, md5: '7f263ba9f9e0b06b93213547f721ac82' },
    { name: 'test_y.bin', size: 8_000, md5: '36f9794fa4beb8a2c72628de14fa638e' },
    { name: 'class_names.txt' },
    { name: 'fold_indices.txt' },
  ],
};

export interface DownloadOptions {
  /** Where the archive is, when not at its public home. */
  readonly url?: string;
  /** What the archive must be, when not STL-10's own. */
  readonly archive?: Archive;
  readonly onProgress?: OnProgress;
  /** Hears of faults that are being retried. */
  readonly onRetry?: (message: string) => void;
  /** Bytes free for new files in a folder; asked before the download. */
  readonly freeBytes?: (folder: string) => Promise<number>;
  /** Timing of retries (see fetch_file.ts). */
  readonly fetch?: Pick<FetchOptions, 'attempts' | 'backoff' | 'idle' | 'answer'>;
}

export interface Downloaded {
  /** The folder with the binary files. */
  readonly folder: string;
  /** False: everything was there already, and nothing was done. */
  readonly fetched: boolean;
}

/**
 * Brings STL-10 to `target/stl10_binary/`. Does nothing when the files are there in their right sizes. A stopped
 * download continues at the next call (`stl10_binary.tar.gz.part`); an archive `stl10_binary.tar.gz` that somebody put
 * into `target` is used instead of a download. The archive is deleted once it is unpacked, unless it was put there.
 *
 * @throws UserError too little space, a server that refuses, a wrong MD5, a damaged archive
 */
export async function downloadStl10(target: string, options: DownloadOptions = {}): Promise<Downloaded> {
  const archive = { ...(options.archive ?? STL10_ARCHIVE), ...(options.url && { url: options.url }) };
  const folder = join(resolve(target), STL10_FOLDER);
  if (hasMembers(folder, archive.members)) return { folder, fetched: false };
  ensureWritableDir(target);
  const own = join(resolve(target), `${STL10_FOLDER}.tar.gz`);
  const part = `${own}.part`;
  const isOwn = existsSync(own);
  await requireSpace(target, archive, isOwn ? own : part, options.freeBytes ?? freeBytes);

  const report = (phase: 'download' | 'verify' | 'unpack') => (done: number, total: number | undefined) =>
    options.onProgress?.({ phase, done, total });
  if (!isOwn) {
    const remedy = `give another address of the archive with --url, or put it there yourself as ${own}`;
    await fetchFile(archive.url, part, {
      ...{ ...options.fetch, size: archive.size, remedy },
      onBytes: report('download'),
      onRetry: options.onRetry,
    });
  }
  const file = isOwn ? own : part;
  await verify(file, archive, isOwn, report('verify'));
  await unpack(file, folder, archive.members, report('unpack'));
  if (!isOwn) discardPart(part);
  return { folder, fetched: true };
}

/** Free bytes for this user on the disk of `folder`. */
async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Share of the bytes that are needed which is left free besides: other programs write to the disk too. */
const reserve = 0.05;

/** The rest of the archive and everything in it must fit: both are on the disk until the last file is unpacked. */
async function requireSpace(
  target: string,
  archive: Archive,
  file: string,
  free: (folder: string) => Promise<number>,
): Promise<void> {
  const present = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const unpacked = archive.members.reduce((sum, member) => sum + (member.size ?? 0), 0);
  const needed = Math.ceil((Math.max(0, archive.size - present) + unpacked) * (1 + reserve));
  const available = await free(target).catch((error) => {
    throw fileError('read', target, error);
  });
  if (available >= needed) return;
  const gb = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  throw new UserError(
    `${target}: ${gb(available)} free, ${gb(needed)} needed; free some space or choose another folder`,
  );
}

async function verify(file: string, archive: Archive, isOwn: boolean, onBytes: (done: number, total: number) => void) {
  const md5 = await md5Of(file, onBytes);
  if (md5 === archive.md5) return;
  const found = `MD5 ${md5}, expected ${archive.md5}`;
  // Somebody else's file is not ours to delete.
  if (isOwn) throw new UserError(`${file}: ${found}; this is not STL-10's archive, or it is damaged: delete it`);
  rmSync(file, { force: true });
  discardPart(file);
  throw new UserError(`${archive.url}: the downloaded file has ${found}; it was deleted; run the command again`);
}
