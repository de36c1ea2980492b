/** The secret part of a dashboard's address and its port, remembered so that a page that is open finds the server when it comes back. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { cacheFolder } from '../io/cache_folder.ts';
import { writeFileAtomic } from '../io/files.ts';

const addressSchema = z.object({ token: z.string().regex(/^[\w-]{22,}$/), port: z.number().int().min(1).max(65535) });

export interface Address {
  /** 128 random bits. */
  readonly token: string;
  /** 0: none is remembered. */
  readonly port: number;
}

/** A file of its own for each list of folders. */
function fileFor(roots: readonly string[], folder: string): string {
  const key = createHash('sha256')
    .update(JSON.stringify(roots.map((root) => resolve(root))))
    .digest('hex');
  return join(folder, 'watch', `${key.slice(0, 16)}.json`);
}

/** The address under which these folders were watched last; a new one where they were not, or the file cannot be read. */
export function recalledAddress(roots: readonly string[], folder = cacheFolder()): Address {
  try {
    return addressSchema.parse(JSON.parse(readFileSync(fileFor(roots, folder), 'utf8')));
  } catch {
    return { token: randomBytes(16).toString('base64url'), port: 0 };
  }
}

/** Remembers an address. Where it cannot be written, the next server has another: no more is lost. */
export function rememberAddress(roots: readonly string[], address: Address, folder = cacheFolder()): void {
  const file = fileFor(roots, folder);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileAtomic(file, `${JSON.stringify(address)}\n`, 0o600);
  } catch {}
}
