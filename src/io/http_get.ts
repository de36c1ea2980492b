/** A request over HTTP, and why it failed in words. */
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import { messageOf, UserError } from '../errors.ts';
import { hasCode, quote } from './file_errors.ts';

export interface RequestOptions {
  /** Silence in milliseconds after which a connection counts as dead; default 30,000. */
  readonly idle?: number;
  /** Milliseconds until the server must have begun to answer, name look-up and connection included; default 10,000. */
  readonly answer?: number;
  /** What the user can do where nothing comes, for the end of messages. */
  readonly remedy?: string;
}

/** A fault that another attempt may not meet. */
export class Transient extends Error {}
/** There is no server to talk to. That ends a call that has not heard from it yet; a download under way is retried. */
export class Unreachable extends Transient {}
/** The server is there, but busy. */
export class Answered extends Transient {}

/**
 * GET with redirects followed. Not `fetch`: that one unpacks a `Content-Encoding: gzip`, which some servers put on
 * `.tar.gz` files, and the bytes would no longer be the archive's.
 */
export async function request(
  url: string,
  headers: Record<string, string>,
  options: RequestOptions,
): Promise<IncomingMessage> {
  let at = url;
  for (let hop = 0; hop < 6; hop++) {
    if (!/^https?:\/\//.test(at) || !URL.canParse(at)) throw new UserError(`${at}: not an http or https address`);
    const response = await requestOnce(at, { 'Accept-Encoding': 'identity', ...headers }, options);
    const { location } = response.headers;
    if (location === undefined || ![301, 302, 303, 307, 308].includes(response.statusCode!)) return response;
    response.destroy();
    if (!URL.canParse(location, at)) {
      const remedy = options.remedy ?? 'give another address';
      throw new UserError(
        `${url}: the server redirects to ${quote(location)}, which is not a valid address; ${remedy}`,
      );
    }
    at = new URL(location, at).href;
  }
  throw new UserError(`${url}: too many redirects, the last to ${at}`);
}

function requestOnce(
  url: string,
  headers: Record<string, string>,
  { idle = 30_000, answer = 10_000 }: RequestOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const get = url.startsWith('https:') ? getHttps : getHttp;
    const sent = get(url, { headers, timeout: idle }, (response) => {
      clearTimeout(answerTimeout);
      resolve(response);
    });
    const silent = (milliseconds: number) => () => sent.destroy(new Silence(milliseconds));
    const answerTimeout = setTimeout(silent(answer), answer);
    sent.on('timeout', silent(idle));
    sent.on('error', (error) => {
      clearTimeout(answerTimeout);
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

/** The error that an answer without the file is. */
export function refusal(
  url: string,
  { statusCode = 0, statusMessage }: IncomingMessage,
  remedy = 'check the address',
): Error {
  const answer = `the server answered ${statusCode} ${statusMessage}`;
  if (statusCode === 408 || statusCode === 429 || statusCode >= 500) return new Answered(answer);
  return new UserError(`${url}: ${answer}; ${remedy}`);
}
