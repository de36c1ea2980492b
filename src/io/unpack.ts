/** Unpacks the wanted members of a tar archive, and nothing else, and checks them. */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type ReadEntry } from 'tar';
import { messageOf, UserError } from '../errors.ts';
import { fileError, hasCode } from './file_errors.ts';

/** A file that an archive must hold. */
export interface Member {
  readonly name: string;
  /** Bytes; undefined: any number above 0. */
  readonly size?: number;
  /** Hexadecimal; undefined: not checked. */
  readonly md5?: string;
}

export type OnBytes = (done: number, total: number) => void;

/** MD5 of a file of any size, hexadecimal. */
export async function md5Of(file: string, onBytes?: OnBytes): Promise<string> {
  const hash = createHash('md5');
  try {
    const total = statSync(file).size;
    let done = 0;
    for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) {
      hash.update(chunk);
      onBytes?.((done += chunk.length), total);
    }
  } catch (error) {
    throw fileError('read', file, error);
  }
  return hash.digest('hex');
}

/** Whether every member is in `folder` with the right size. */
export const hasMembers = (folder: string, members: readonly Member[]): boolean =>
  members.every((member) => sizeFits(member, join(folder, member.name)));

/**
 * Unpacks `root/<member>` of a .tar or .tar.gz into `folder`. Members go to a temporary folder beside it first, are
 * checked there, and only then renamed: a failure leaves `folder` as it was. Entries of other names or kinds (links,
 * paths with `..`) are passed over, so an archive cannot write anywhere else.
 *
 * @throws UserError the archive is damaged, or a member is missing or not what it should be
 */
export async function unpack(
  archive: string,
  folder: string,
  members: readonly Member[],
  onBytes?: OnBytes,
): Promise<void> {
  const root = basename(folder);
  const temporary = join(folder, '..', `.${root}.unpacking`);
  const clean = () => rmSync(temporary, { recursive: true, force: true });
  try {
    clean(); // what a killed call left
    mkdirSync(temporary);
    await extractMembers(archive, temporary, new Set(members.map(({ name }) => `${root}/${name}`)), onBytes);
    for (const member of members) await check(member, join(temporary, root, member.name), archive);
    mkdirSync(folder, { recursive: true });
    for (const { name } of members) renameSync(join(temporary, root, name), join(folder, name));
  } catch (error) {
    throw fileError('write', folder, error);
  } finally {
    clean();
  }
}

async function extractMembers(
  archive: string,
  folder: string,
  wanted: ReadonlySet<string>,
  onBytes?: OnBytes,
): Promise<void> {
  const total = statSync(archive).size;
  let done = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      onBytes?.((done += chunk.length), total);
      next(null, chunk);
    },
  });
  const isWanted = (path: string, entry: unknown) =>
    wanted.has(path.replace(/^\.\//, '')) && (entry as ReadEntry).type === 'File';
  try {
    await pipeline(createReadStream(archive), count, extract({ cwd: folder, strict: true, filter: isWanted }));
  } catch (error) {
    if (hasCode(error, 'ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'EIO')) throw error;
    throw new UserError(`${archive}: cannot be unpacked (${messageOf(error)}); delete it and download it again`, 1, {
      cause: error,
    });
  }
}

async function check(member: Member, file: string, archive: string): Promise<void> {
  const where = `${archive}: member ${member.name}`;
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new UserError(`${where} is missing; this is not the expected archive`);
  if (!sizeFits(member, file)) {
    throw new UserError(
      `${where} has ${size} bytes, expected ${member.size ?? 'some'}; this is not the expected archive`,
    );
  }
  const md5 = member.md5 && (await md5Of(file));
  if (md5 !== member.md5)
    throw new UserError(`${where} has MD5 ${md5}, expected ${member.md5}; the archive is damaged`);
}

function sizeFits(member: Member, file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && (member.size === undefined ? found.size > 0 : found.size === member.size);
}
