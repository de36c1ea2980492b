/** Answers of the dashboard's server: what every one of them carries, and how one that has not changed is left out. */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** The page loads nothing from elsewhere, runs no script that is not its own, and is shown in no other page. */
const policy = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ');

const always: Readonly<Record<string, string>> = {
  'Content-Security-Policy': policy,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  // Kept, but asked for each time: an answer that has not changed is then 304, without a body.
  'Cache-Control': 'private, no-cache',
};

export interface Answer {
  readonly type: string;
  readonly body: string | Uint8Array;
  /** What the body depends on; its own digest where that is not known. */
  readonly version?: string;
}

/** Sends an answer; 304 where the other side has it already. */
export function send(request: IncomingMessage, response: ServerResponse, { type, body, version }: Answer): void {
  const etag = `"${version ?? createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const headers = { ...always, ETag: etag };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
  response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Sends a refusal in one line. */
export function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { ...always, 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${reason}\n`);
}

export const jsonAnswer = (value: unknown, version?: string): Answer => ({
  type: 'application/json; charset=utf-8',
  body: JSON.stringify(value),
  ...(version !== undefined && { version }),
});
