/** A server of static files, for this machine. */
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize, sep } from 'node:path';
import { messageOf, UserError } from '../errors.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.safetensors': 'application/octet-stream',
};

export interface StaticServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface ServeOptions {
  /** 0: any that is free. */
  readonly port: number;
  readonly host: string;
}

/**
 * Serves the files of a folder, and none beside it.
 * @throws UserError the port is taken, or the address is none of this machine
 */
export async function serveFolder(folder: string, { port, host }: ServeOptions): Promise<StaticServer> {
  const server = createServer((request, response) => answer(folder, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(error, host, port)));
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function cannotListen(error: Error, host: string, port: number): UserError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'the port is taken; choose another --port, or 0 for any that is free',
    EACCES: 'the port is not for users; choose a --port above 1023',
    EADDRNOTAVAIL: 'the address is none of this machine; choose another --host',
    ENOTFOUND: 'no such address; choose another --host',
  };
  const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error);
  return new UserError(`cannot serve on ${host}, port ${port}: ${reason}`, 1, { cause: error });
}

function answer(folder: string, { method = '', url = '' }: IncomingMessage, response: ServerResponse): void {
  const refuse = (status: number, text: string) => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
    response.end(`${text}\n`);
  };
  const file = fileOf(folder, url);
  const stat = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false });
  if (method !== 'GET' && method !== 'HEAD') refuse(405, 'only GET and HEAD');
  else if (file && stat?.isFile()) send(file, stat.size, method === 'GET', response);
  else refuse(404, 'no such file');
}

function send(file: string, bytes: number, content: boolean, response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': types[extname(file).toLowerCase()] ?? 'application/octet-stream',
    'content-length': bytes,
    'cache-control': 'no-cache', // built again, it is to be seen again
    'x-content-type-options': 'nosniff',
  });
  if (!content) response.end();
  else
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
}

/** The file that an address means; undefined for one that is no path, or leads out of the folder. */
function fileOf(folder: string, url: string): string | undefined {
  try {
    const path = normalize(decodeURIComponent(new URL(url, 'http://localhost').pathname));
    const file = join(folder, path.endsWith(sep) ? join(path, 'index.html') : path);
    const root = folder.endsWith(sep) ? folder : folder + sep;
    return file.startsWith(root) && !file.includes('\0') ? file : undefined;
  } catch {
    return undefined;
  }
}
