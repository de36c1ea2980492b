/** Downloads one large file over HTTP so that an interruption costs nothing but the time since. */
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, UserError } from '../errors.ts';
import { fileError, hasCode, quote } from './file_errors.ts';

export interface FetchOptions {
  /** Hears how many bytes are there, of how many (undefined when the server does not say). */
  readonly onBytes?: (done: number, total: number | undefined) => void;
  /** Hears of every fault that is being retried, as a sentence. */
  readonly onRetry?: (message: string) => void;
  /** Failures in a row, without one new byte between them, after which to give up; default 6. */
  readonly attempts?: number;
  /** Pause after the first failure in milliseconds, doubled after each further one up to 30 s; default 1000. */
  readonly backoff?: number;
  /** Silence in milliseconds after which a connection counts as dead; default 30,000. */
  readonly idle?: number;
  /** Milliseconds until the server must have begun to answer, name look-up and connection included; default 10,000. */
  readonly answer?: number;
  /** What the user can do where nothing comes, for the end of messages. */
  readonly remedy?: string;
}

/** What the bytes in a `.part` file are a part of; kept beside it, so that a changed file is not patched together. */
interface Source {
  readonly url: string;
  /** ETag or Last-Modified of the response; without one there is no way to tell that the file changed. */
  readonly version: string | undefined;
  readonly total: number | undefined;
}

/** A fault that another attempt may not meet. */
class Transient extends Error {}
/** There is no server to talk to. That ends a call that has not heard from it yet; a download under way is retried. */
class Unreachable extends Transient {}
/** The server is there, but busy. */
class Answered extends Transient {}

/**
 * Downloads `url` to `part`, continuing where an earlier call stopped if the server can and the file is still the same
 * (`Range` with `If-Range`, RFC 9110 §14); otherwise from the start. Lost connections, time-outs, 408, 429 and 5xx
 * are retried with growing pauses; a server that cannot be reached to begin with is not, so that a wrong address or a missing
 * network shows within seconds. Resolves when every byte the server announced is in `part`.
 *
 * @throws UserError the server refuses, the disk is full, or too many failures in a row
 */
export async function fetchFile(url: string, part: string, options: FetchOptions = {}): Promise<void> {
  const { attempts = 6, backoff = 1000 } = options;
  let failures = 0;
  let reached = false;
  for (;;) {
    const before = sizeOf(part);
    try {
      if (await attempt(url, part, options)) return;
      reached = true;
    } catch (error) {
      if (!(error instanceof Transient)) throw fileError('write', part, error);
      reached ||= error instanceof Answered || sizeOf(part) > before;
      failures = sizeOf(part) > before ? 1 : failures + 1;
      const most = reached ? attempts : error instanceof Unreachable ? 1 : Math.min(attempts, 3);
      if (failures >= most) throw givenUp(url, part, error, failures, options.remedy);
      const pause = Math.min(30_000, backoff * 2 ** (failures - 1));
      options.onRetry?.(`${error.message}; trying again in ${(pause / 1000).toFixed(0)} s`);
      await sleep(pause);
    }
  }
}

function givenUp(url: string, part: string, error: Transient, failures: number, remedy?: string): UserError {
  const tried = failures > 1 ? ` (${failures} attempts)` : '';
  const size = sizeOf(part);
  const advice = [...(size > 0 ? [`${size} bytes are kept: run again to continue`] : []), ...(remedy ? [remedy] : [])];
  return new UserError([`${url}: ${error.message}${tried}`, advice.join(', or ')].join('; '), 1, { cause: error });
}

/** One request. Returns whether the file is complete; false asks for another request at once. */
async function attempt(url: string, part: string, options: FetchOptions): Promise<boolean> {
  const source = readSource(part, url);
  const have = source ? sizeOf(part) : 0;
  if (source && source.total === have) return true;
  const headers: Record<string, string> = have > 0 ? { Range: `bytes=${have}-`, 'If-Range': source!.version! } : {};
  const response = await request(url, headers, options);
  if (response.statusCode === 200) return receive(response, part, 0, sourceOf(url, response, 0), options);
  const continues = response.statusCode === 206 && rangeStart(response) === have && have > 0;
  if (continues) return receive(response, part, have, sourceOf(url, response, have), options);
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

function readSource(part: string, url: string): Source | undefined {
  try {
    const source = JSON.parse(readFileSync(`${part}.json`, 'utf8')) as Source;
    return source.url === url && source.version !== undefined && existsSync(part) ? source : undefined;
  } catch {
    return undefined;
  }
}

function sourceOf(url: string, response: IncomingMessage, start: number): Source {
  const { etag, 'last-modified': modified, 'content-length': length } = response.headers;
  // A weak ETag (W/"…") promises no equal bytes and is not allowed in If-Range.
  const version = etag && !etag.startsWith('W/') ? etag : modified;
  return { url, version, total: length === undefined ? undefined : start + Number(length) };
}

const rangeStart = (response: IncomingMessage): number =>
  Number(/^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1] ?? Number.NaN);

async function receive(
  response: IncomingMessage,
  part: string,
  start: number,
  source: Source,
  { onBytes }: FetchOptions,
): Promise<boolean> {
  if (start === 0) discardPart(part);
  writeFileSync(`${part}.json`, JSON.stringify(source));
  let done = start;
  onBytes?.(done, source.total);
  const file = openSync(part, start > 0 ? 'r+' : 'w');
  // Written as it arrives: a stream of the file's own would drop what it has not written yet when the connection breaks.
  const sink = new Writable({
    write(chunk: Buffer, _encoding, next) {
      try {
        for (let from = 0; from < chunk.length; )
          from += writeSync(file, chunk, from, chunk.length - from, done + from);
        done += chunk.length;
        onBytes?.(done, source.total);
        next();
      } catch (error) {
        next(error as Error);
      }
    },
  });
  try {
    await pipeline(response, sink);
  } catch (error) {
    if (hasCode(error, 'ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'EFBIG', 'EIO')) throw error;
    throw new Transient(`connection lost after ${done} bytes (${messageOf(error)})`, { cause: error });
  } finally {
    closeSync(file);
  }
  if (source.total !== undefined && done !== source.total) {
    throw new Transient(`connection closed after ${done} of ${source.total} bytes`);
  }
  return true;
}

/**
 * GET with redirects followed. Not `fetch`: that one unpacks a `Content-Encoding: gzip`, which some servers put on
 * `.tar.gz` files, and the bytes would no longer be the archive's.
 */
async function request(url: string, headers: Record<string, string>, options: FetchOptions): Promise<IncomingMessage> {
  let at = url;
  for (let hop = 0; hop < 6; hop++) {
    if (!/^https?:\/\//.test(at) || !URL.canParse(at)) throw new UserError(`${at}: not an http or https address`);
    const response = await requestOnce(at, { 'Accept-Encoding': 'identity', ...headers }, options);
    const { location } = response.headers;
    if (location === undefined || ![301, 302, 303, 307, 308].includes(response.statusCode!)) return response;
    response.destroy();
    if (!URL.canParse(location, at)) {
      const remedy = options.remedy ?? 'give another address';
      throw new UserError(`${url}: the server redirects to ${quote(location)}, which is no address; ${remedy}`);
    }
    at = new URL(location, at).href;
  }
  throw new UserError(`${url}: too many redirects, the last to ${at}`);
}

function requestOnce(
  url: string,
  headers: Record<string, string>,
  { idle = 30_000, answer = 10_000 }: FetchOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const get = url.startsWith('https:') ? getHttps : getHttp;
    const sent = get(url, { headers, timeout: idle }, (response) => {
      clearTimeout(patience);
      resolve(response);
    });
    const silent = (milliseconds: number) => () => sent.destroy(new Silence(milliseconds));
    const patience = setTimeout(silent(answer), answer);
    sent.on('timeout', silent(idle));
    sent.on('error', (error) => {
      clearTimeout(patience);
      const Kind = hasCode(error, 'ECONNRESET', 'EPIPE') ? Transient : Unreachable;
      reject(new Kind(unreachable(error, new URL(url).hostname), { cause: error }));
    });
  });
}

class Silence extends Error {
  constructor(milliseconds: number) {
    super(`no answer within ${milliseconds / 1000} s`);
  }
}

/** Why a server could not be reached, in words. */
function unreachable(error: NodeJS.ErrnoException, host: string): string {
  if (error instanceof Silence) return `${host} gave ${error.message}${proxyNote()}`;
  // Several addresses that all failed make an error without a message; each has its own.
  const inner = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException) : error;
  const { code = '' } = inner;
  if (/CERT|_SIGNATURE|_ISSUER|ERR_TLS|EPROTO|ERR_SSL/.test(code)) {
    return `no secure connection to ${host} (${messageOf(inner).split('\n')[0]})`;
  }
  const reason = reasons[code];
  return `${reason ? `${host} ${reason}` : `no connection to ${host} (${messageOf(inner)})`}${proxyNote()}`;
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'is not a known host name',
  EAI_AGAIN: 'cannot be looked up: no name server answers',
  ECONNREFUSED: 'refuses the connection',
  ECONNRESET: 'closed the connection without an answer',
  ETIMEDOUT: 'gave no answer',
  EHOSTUNREACH: 'cannot be reached from this network',
  ENETUNREACH: 'cannot be reached from this network',
};

/** Who has set a proxy for other programs expects it to be used. */
function proxyNote(): string {
  const name = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'].find(
    (variable) => process.env[variable],
  );
  return name ? ` (connected directly: the proxy in ${name} is not used)` : '';
}

function refusal(url: string, { statusCode = 0, statusMessage }: IncomingMessage, remedy = 'check the address'): Error {
  const answer = `the server answered ${statusCode} ${statusMessage}`;
  if (statusCode === 408 || statusCode === 429 || statusCode >= 500) return new Answered(answer);
  return new UserError(`${url}: ${answer}; ${remedy}`);
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
