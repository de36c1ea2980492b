/**
 * The dashboard's server. It listens on this machine only, answers nobody who does not know the secret part of its address, and sends
 * nothing but its page, numbers, pictures and reports of runs: no path of a file is ever part of a request.
 */
import { timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { hasCode } from '../io/file_errors.ts';
import { type Answer, jsonAnswer, refuse, send } from './answers.ts';
import { document } from './document.ts';
import { readPlainly } from './plain_files.ts';
import { isFigureName } from './run_files.ts';
import type { Watcher } from './watcher.ts';
import { axes } from './wire.ts';

export interface ServerOptions {
  readonly watcher: Watcher;
  /** Folder of the page's script and style. */
  readonly assets: string;
  /** The secret part of the address: letters, digits, `-` and `_`. */
  readonly token: string;
  /** 0: any that is free. */
  readonly port: number;
}

export interface Dashboard {
  /** Where a browser finds it. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const host = '127.0.0.1';
/** Names under which a browser may reach this machine. Any other is a name of somebody else's that leads here (DNS rebinding). */
const ownNames = new Set(['127.0.0.1', 'localhost', '[::1]']);

const assets: Readonly<Record<string, string>> = {
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
};
const mostBytes = 64 << 20;

/** Starts to listen. UserError: the port is taken, or may not be used. */
export async function serve({ watcher, assets, token, port }: ServerOptions): Promise<Dashboard> {
  const routes = new Routes(watcher, assets);
  const server = createServer((request, response) => {
    answer(request, response, routes, token).catch(() => {
      if (!response.headersSent) refuse(response, 500, 'simclr watch met a fault of its own');
      else response.destroy();
    });
  });
  await listen(server, port);
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${actual}/${token}/`,
    port: actual,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((done, fail) => {
    server.once('error', (error) => fail(portError(error, port)));
    server.listen({ port, host }, done);
  });

function portError(error: unknown, port: number): unknown {
  if (hasCode(error, 'EADDRINUSE'))
    return new UserError(`--port ${port}: in use by another program; choose another, or omit it for any that is free`);
  if (hasCode(error, 'EACCES'))
    return new UserError(`--port ${port}: this user may not use it; choose one above 1023, or omit it`);
  return error;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  token: string,
): Promise<void> {
  if (!isOwnName(request.headers.host)) return refuse(response, 421, 'this server answers to 127.0.0.1 and localhost');
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'GET only');
  // Nothing is decoded: no name that is served needs it.
  const [path, query] = (request.url ?? '/').split('?', 2);
  const [, given = '', ...parts] = path.split('/');
  if (!sameText(given, token)) return refuse(response, 404, 'not found: open the address that simclr watch printed');
  const found = await routes.find(parts, new URLSearchParams(query));
  if (found) send(request, response, found);
  else refuse(response, 404, 'not found');
}

const isOwnName = (header = ''): boolean => ownNames.has(header.replace(/:\d+$/, '').toLowerCase());

/** Compares without telling by its time how much is right. */
function sameText(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** What there is below the secret part of the address. */
class Routes {
  constructor(
    private readonly watcher: Watcher,
    private readonly assets: string,
  ) {}

  async find(parts: readonly string[], query: URLSearchParams): Promise<Answer | undefined> {
    const [first = '', id = '', name = ''] = parts;
    if (parts.length === 1 && first === '') return document;
    if (parts.length === 1 && Object.hasOwn(assets, first)) return this.asset(first);
    if (parts.length === 1 && first === 'runs') return jsonAnswer(await this.watcher.list());
    if (parts.length === 2 && first === 'series') return this.series(id, query);
    if (parts.length === 2 && first === 'reports') return this.report(id);
    if (parts.length === 3 && first === 'figures') return this.figure(id, name);
    return undefined;
  }

  /** A report, as a text: the page shows what it has of words, tables and pictures, and a browser that is led here shows its source. */
  private async report(id: string): Promise<Answer | undefined> {
    const file = await this.watcher.report(id);
    return file === undefined ? undefined : fileAnswer('text/plain; charset=utf-8', file);
  }

  private async asset(name: string): Promise<Answer> {
    return { type: assets[name], body: await readFile(join(this.assets, name)) };
  }

  private async series(id: string, query: URLSearchParams): Promise<Answer | undefined> {
    const run = await this.watcher.run(id);
    const axis = axes.find((name) => name === (query.get('axis') ?? 'step'));
    if (!run?.summary || !axis) return undefined;
    const window = {
      axis,
      points: Math.min(5000, Math.max(10, numberIn(query, 'points') ?? 500)),
      from: numberIn(query, 'from'),
      to: numberIn(query, 'to'),
    };
    return jsonAnswer(run.series(window));
  }

  /** A picture by its name among those that the run has: what is not listed is not sent. */
  private async figure(id: string, name: string): Promise<Answer | undefined> {
    const run = await this.watcher.run(id);
    const known = run?.summary?.figures.some(({ stages }) => stages.some(({ file }) => file === name));
    if (!run || !known || !isFigureName(name)) return undefined;
    return fileAnswer('image/png', join(run.found.path, 'figures', name));
  }
}

/** A file in a run's folder; undefined: removed, or exchanged for something else, since it was listed. */
async function fileAnswer(type: string, file: string): Promise<Answer | undefined> {
  try {
    return { type, body: await readPlainly(file, mostBytes) };
  } catch {
    return undefined;
  }
}

function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  return text === null || text === '' || !Number.isFinite(Number(text)) ? undefined : Number(text);
}
