/** Downloads one large file over HTTP so that an interruption costs nothing but the time since. */
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { messageOf, UserError } from '../errors.ts';
import { fileError, hasCode } from './file_errors.ts';
import { Answered, type RequestOptions, refusal, request, Transient, Unreachable } from './http_get.ts';

export interface FetchOptions extends RequestOptions {
  /** Bytes of the file: a server that has another number, or sends more, has another file. */
  readonly size: number;
  /** Hears how many bytes are there, of how many. */
  readonly onBytes?: (done: number, total: number) => void;
  /** Hears of every fault that is being retried, as a sentence. */
  readonly onRetry?: (message: string) => void;
  /** Failures in a row, without one new byte between them, after which to give up; default 6. */
  readonly attempts?: number;
  /** Pause after the first failure in milliseconds, doubled after each further one up to 30 s; default 1000. */
  readonly backoff?: number;
}

/** What the bytes in a `.part` file are a part of; kept beside it, so that a changed file is not patched together. */
const sourceSchema = z.object({
  url: z.string(),
  /** ETag or Last-Modified of the response; without one there is no way to tell that the file changed. */
  version: z.string().optional(),
});
type Source = Readonly<z.infer<typeof sourceSchema>>;

/**
 * Downloads `url` to `part`, continuing where an earlier call stopped if the server can and the file is still the same
 * (`Range` with `If-Range`, RFC 9110 §14); otherwise from the start. Lost connections, time-outs, 408, 429 and 5xx
 * are retried with growing pauses; a server that cannot be reached to begin with is not, so that a wrong address or a missing
 * network shows within seconds. Resolves when every byte is in `part`. What cannot be continued is removed.
 *
 * @throws UserError the server refuses or has a file of another size, the disk is full, or too many failures in a row
 */
export async function fetchFile(url: string, part: string, options: FetchOptions): Promise<void> {
  const { attempts = 6, backoff = 1000 } = options;
  let failures = 0;
  let reached = false;
  for (;;) {
    const before = sizeOf(part);
    try {
      if (await attempt(url, part, options)) return;
      reached = true;
    } catch (error) {
      if (!(error instanceof Transient)) {
        discardUnusable(part);
        throw fileError('write', part, error);
      }
      reached ||= error instanceof Answered || sizeOf(part) > before;
      failures = sizeOf(part) > before ? 1 : failures + 1;
      const most = reached ? attempts : error instanceof Unreachable ? 1 : Math.min(attempts, 3);
      if (failures >= most) {
        discardUnusable(part);
        throw givenUp(url, part, error, failures, options.remedy);
      }
      const pause = Math.min(30_000, backoff * 2 ** (failures - 1));
      options.onRetry?.(`${error.message}; trying again in ${(pause / 1000).toFixed(0)} s`);
      await sleep(pause);
    }
  }
}

function givenUp(url: string, part: string, error: Transient, failures: number, remedy?: string): UserError {
  const tried = failures > 1 ? ` (${failures} attempts)` : '';
  const size = readSource(part, url) ? sizeOf(part) : 0;
  const advice = [...(size > 0 ? [`${size} bytes are kept: run again to continue`] : []), ...(remedy ? [remedy] : [])];
  return new UserError([`${url}: ${error.message}${tried}`, advice.join(', or ')].join('; '), 1, { cause: error });
}

/** One request. Returns whether the file is complete; false asks for another request at once. */
async function attempt(url: string, part: string, options: FetchOptions): Promise<boolean> {
  if (sizeOf(part) > options.size) discardPart(part);
  const source = readSource(part, url);
  const have = source ? sizeOf(part) : 0;
  if (source && have === options.size) return true;
  const headers: Record<string, string> = have > 0 ? { Range: `bytes=${have}-`, 'If-Range': source!.version! } : {};
  const response = await request(url, headers, options);
  if (response.statusCode === 200) return receive(url, response, part, 0, options);
  const continues = response.statusCode === 206 && rangeStart(response) === have && have > 0;
  if (continues) return receive(url, response, part, have, options);
  response.destroy();
  // 416: nothing lies behind our last byte; 206 elsewhere: a confused server. The bytes we have are of no use.
  if (response.statusCode === 416 || response.statusCode === 206) {
    discardPart(part);
    if (have > 0) return false;
  }
  throw refusal(url, response, options.remedy);
}

/** Removes the partial download and what is known about it. */
export function discardPart(part: string): void {
  rmSync(part, { force: true });
  rmSync(`${part}.json`, { force: true });
}

/** Removes a partial download that no call can continue, whatever its address. */
function discardUnusable(part: string): void {
  if (storedSource(part)?.version === undefined) discardPart(part);
}

/** What is known of a part, if it can be continued from this address. */
function readSource(part: string, url: string): Source | undefined {
  const source = storedSource(part);
  return source?.url === url && source.version !== undefined && existsSync(part) ? source : undefined;
}

function storedSource(part: string): Source | undefined {
  try {
    return sourceSchema.parse(JSON.parse(readFileSync(`${part}.json`, 'utf8')));
  } catch {
    return undefined;
  }
}

function sourceOf(url: string, response: IncomingMessage): Source {
  const { etag, 'last-modified': modified } = response.headers;
  // A weak ETag (W/"…") promises no equal bytes and is not allowed in If-Range.
  const version = etag && !etag.startsWith('W/') ? etag : modified;
  return { url, version };
}

const rangeStart = (response: IncomingMessage): number =>
  Number(/^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1] ?? Number.NaN);

/** UserError: the server has a file of another size than the one that is wanted. What is there of it goes. */
function otherSize(url: string, part: string, bytes: string, { size, remedy = 'check the address' }: FetchOptions) {
  discardPart(part);
  return new UserError(`${url}: the server has ${bytes} bytes, expected ${size}: it is another file; ${remedy}`);
}

async function receive(
  url: string,
  response: IncomingMessage,
  part: string,
  start: number,
  options: FetchOptions,
): Promise<boolean> {
  const { size, onBytes } = options;
  const { 'content-length': length } = response.headers;
  if (length !== undefined && start + Number(length) !== size) {
    response.destroy();
    throw otherSize(url, part, String(start + Number(length)), options);
  }
  if (start === 0) discardPart(part);
  writeFileSync(`${part}.json`, JSON.stringify(sourceOf(url, response)));
  let done = start;
  onBytes?.(done, size);
  const file = openSync(part, start > 0 ? 'r+' : 'w');
  // Written as it arrives: a stream of the file's own would drop what it has not written yet when the connection breaks.
  const sink = new Writable({
    write(chunk: Buffer, _encoding, next) {
      // A server that does not say how much it sends may never end.
      if (done + chunk.length > size) return next(otherSize(url, part, `more than ${size}`, options));
      try {
        for (let from = 0; from < chunk.length; )
          from += writeSync(file, chunk, from, chunk.length - from, done + from);
        done += chunk.length;
        onBytes?.(done, size);
        next();
      } catch (error) {
        next(error as Error);
      }
    },
  });
  try {
    await pipeline(response, sink);
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (hasCode(error, 'ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'EFBIG', 'EIO')) throw error;
    throw new Transient(`connection lost after ${done} bytes (${messageOf(error)})`, { cause: error });
  } finally {
    closeSync(file);
  }
  if (done !== size) throw new Transient(`connection closed after ${done} of ${size} bytes`);
  return true;
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
