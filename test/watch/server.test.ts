/** The dashboard's server answers its own page, and nobody else; of files it sends pictures of runs only. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { recalledAddress, rememberAddress } from '../../src/watch/address.ts';
import { type Dashboard, serve } from '../../src/watch/server.ts';
import { Watcher } from '../../src/watch/watcher.ts';
import type { RunList, SeriesOfRun } from '../../src/watch/wire.ts';
import { scratchFolder } from '../cli/run.ts';
import { allRuns, type MadeRun, makeComparison, makeRun, writeReport } from './runs.ts';

const scratch = scratchFolder();
const root = join(scratch, 'runs');
const token = 'abcdefghijklmnopqrstuv';
const picture = 'similarity-step-00000010.png';
const secret = 'a secret outside of the runs';

let made: MadeRun;
let id: string;
let dashboard: Dashboard;

beforeAll(async () => {
  mkdirSync(root);
  writeFileSync(join(scratch, 'secret.png'), secret);
  made = makeRun(join(root, 'run'));
  made.steps(1, 12);
  made.picture(picture);
  symlinkSync(join(scratch, 'secret.png'), join(made.path, 'figures', 'link-step-00000001.png'));
  writeFileSync(join(made.path, 'figures', 'notes.png'), secret);
  const watcher = new Watcher([root]);
  [{ id }] = await allRuns(watcher);
  dashboard = await serve({ watcher, assets: 'dist/watch', token, port: 0 });
});
afterAll(() => dashboard.close());

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A request whose path is sent as it is: fetch would tidy it up. */
const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> =>
  new Promise((done, fail) => {
    const { port } = dashboard;
    request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.on('end', () =>
        done({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(pieces) }),
      );
    })
      .on('error', fail)
      .end();
  });

const json = async <T>(path: string): Promise<T> => JSON.parse((await ask(`/${token}/${path}`)).body.toString()) as T;

it('sends the page, its script and style, the runs, their series and pictures', async () => {
  const page = await ask(`/${token}/`);
  expect(page.body.toString()).toContain('<script type="module" src="page.js">');
  expect((await ask(`/${token}/page.js`)).headers['content-type']).toMatch('text/javascript');
  expect((await ask(`/${token}/page.css`)).body.length).toBeGreaterThan(1000);
  const { runs } = await json<RunList>('runs');
  expect(runs).toMatchObject([{ id, name: 'run', step: 12 }]);
  const { loss } = await json<SeriesOfRun>(`series/${id}?axis=step&points=100`);
  expect(loss.x).toHaveLength(12);
  expect((await json<SeriesOfRun>(`series/${id}?points=100&from=5&to=6`))['loss'].x).toEqual([4, 5, 6, 7]);
  const drawn = await ask(`/${token}/figures/${id}/${picture}`);
  expect(drawn.headers['content-type']).toBe('image/png');
  expect(drawn.body).toEqual(readFileSync(join(made.path, 'figures', picture)));
});

it('sends the report of a comparison as a text, once there is one, and none that a link leads to', async () => {
  const path = makeComparison(join(root, 'which'));
  const listed = async () => (await json<RunList>('runs')).reports.find(({ name }) => name === 'which');
  await expect.poll(listed, { timeout: 10_000 }).toMatchObject({ kind: 'comparison', version: '' });
  const { id } = (await listed())!;
  const status = async () => (await ask(`/${token}/reports/${id}`)).status;
  expect(await status()).toBe(404);
  writeReport(path, 2);
  await expect.poll(async () => (await listed())!.version, { timeout: 10_000 }).not.toBe('');
  const sent = await ask(`/${token}/reports/${id}`);
  expect(sent.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(sent.body).toEqual(readFileSync(join(path, 'report.html')));
  rmSync(join(path, 'report.html'));
  symlinkSync(join(scratch, 'secret.png'), join(path, 'report.html'));
  expect(await status()).toBe(404);
  rmSync(path, { recursive: true });
  await expect.poll(listed, { timeout: 10_000 }).toBeUndefined();
});

it('says of what has not changed that it has not', async () => {
  for (const path of ['runs', `series/${id}`, `figures/${id}/${picture}`, 'page.js']) {
    const { headers } = await ask(`/${token}/${path}`);
    const again = await ask(`/${token}/${path}`, { 'if-none-match': headers.etag! });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  }
  const { headers } = await ask(`/${token}/runs`);
  made.steps(13, 13);
  await expect
    .poll(async () => (await ask(`/${token}/runs`, { 'if-none-match': headers.etag! })).status, { timeout: 5000 })
    .toBe(200);
});

describe('security', () => {
  it('listens on this machine only', () => {
    expect(dashboard.url).toBe(`http://127.0.0.1:${dashboard.port}/${token}/`);
  });

  it('without the secret part of the address there is nothing', async () => {
    for (const path of [
      '/',
      '/runs',
      '/page.js',
      `/${token.slice(0, -1)}/runs`,
      `/${token}x/runs`,
      `/figures/${id}/${picture}`,
    ])
      expect((await ask(path)).status).toBe(404);
    const { body } = await ask('/');
    expect(body.toString()).not.toContain(token);
  });

  it('a name of somebody else’s that leads here is refused (DNS rebinding)', async () => {
    const status = async (host: string) => (await ask(`/${token}/runs`, { host })).status;
    for (const host of [
      'evil.example',
      `evil.example:${dashboard.port}`,
      'localhost.evil.example',
      '127.0.0.1.evil.example',
    ])
      expect(await status(host)).toBe(421);
    // Through a tunnel the port is another one.
    for (const host of ['localhost', '127.0.0.1:9999', '[::1]:80', 'LOCALHOST:1']) expect(await status(host)).toBe(200);
  });

  const paths = [
    `figures/${'ID'}/../../../secret.png`,
    `figures/${'ID'}/..%2F..%2F..%2Fsecret.png`,
    `figures/${'ID'}/%2e%2e/%2e%2e/%2e%2e/secret.png`,
    `figures/${'ID'}/..%5C..%5Csecret.png`,
    `figures/${'ID'}/%00`,
    `figures/${'ID'}/link-step-00000001.png`,
    `figures/${'ID'}/notes.png`,
    `figures/${'ID'}/../config.json`,
    `figures/..%2F..%2Fsecret.png/x`,
    'reports/nobody',
    'reports/__proto__',
    `reports/${'ID'}`,
    'reports/..%2F..%2Fsecret.png',
    'figures/nobody/similarity-step-00000010.png',
    'figures/__proto__/constructor',
    'series/__proto__',
    'series/nobody',
    '..%2F..%2Fpackage.json',
    '../package.json',
    '%2e%2e/cli.js',
    'constructor',
    '__proto__',
    'page.js/',
    'runs/',
  ];
  it.each(paths)('sends nothing for %s', async (path) => {
    const { status, body } = await ask(`/${token}/${path.replace('ID', id)}`);
    expect(status).toBe(404);
    expect(body.toString()).not.toContain(secret);
  });

  it('a picture that became a link, or whose folder did, is not sent', async () => {
    const own = makeRun(join(root, 'turned'));
    own.picture(picture);
    own.steps(1, 1);
    const find = async () => (await json<RunList>('runs')).runs.find(({ name }) => name === 'turned')?.id;
    await expect.poll(find, { timeout: 10_000 }).toBeDefined();
    const url = `/${token}/figures/${await find()}/${picture}`;
    expect((await ask(url)).status).toBe(200);
    const figures = join(own.path, 'figures');
    renameSync(figures, join(scratch, 'moved'));
    symlinkSync(join(scratch, 'moved'), figures);
    expect((await ask(url)).status).toBe(404);
    rmSync(figures);
    mkdirSync(figures);
    symlinkSync(join(scratch, 'secret.png'), join(figures, picture));
    expect((await ask(url)).status).toBe(404);
  });

  it('only reads', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await ask(`/${token}/runs`, {}, method)).status).toBe(405);
    const head = await ask(`/${token}/runs`, {}, 'HEAD');
    expect([head.status, head.body.length]).toEqual([200, 0]);
  });

  it('a path that is none is refused, and the server goes on', async () => {
    for (const path of ['//', '/%', '//evil.example/', `/${token}/series/${id}?from=x&to=%&points=-5&axis=step`])
      expect((await ask(path)).status).toBeLessThan(500);
    expect((await ask(`/${token}/series/${id}?axis=constructor`)).status).toBe(404);
  });

  it('the page may load nothing from elsewhere, and is shown in no other', async () => {
    for (const path of [`/${token}/`, `/${token}/runs`, '/']) {
      const { headers } = await ask(path);
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
    const page = readFileSync('dist/watch/page.js', 'utf8');
    expect(page).not.toMatch(/\beval\(|new Function\(/);
  });
});

it('a port that is taken is told', async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  const { port } = other.address() as { port: number };
  const start = serve({ watcher: new Watcher([root]), assets: 'dist/watch', token, port });
  await expect(start).rejects.toThrow(UserError);
  await expect(start).rejects.toThrow(`--port ${port}: in use by another program; choose another`);
  other.close();
});

it('the address is the same when the same folders are watched again, and nobody else’s to read', () => {
  const cache = join(scratch, 'cache');
  const first = recalledAddress(['runs'], cache);
  expect(first.token).toMatch(/^[\w-]{22}$/);
  expect(recalledAddress(['runs'], cache).token).not.toBe(first.token); // nothing was remembered
  rememberAddress(['runs'], { ...first, port: 4321 }, cache);
  expect(recalledAddress(['runs'], cache)).toEqual({ ...first, port: 4321 });
  expect(recalledAddress(['others'], cache).token).not.toBe(first.token);
  const [file] = [join(cache, 'watch')];
  expect(statSync(file).mode & 0o077).toBe(0);
  expect(existsSync(file)).toBe(true);
});
