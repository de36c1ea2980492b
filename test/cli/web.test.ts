/** `simclr web`: a server of the page's files, and of nothing else. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type StaticServer, serveFolder } from '../../src/cli/static_server.ts';
import { run, scratchFolder } from './run.ts';

const scratch = scratchFolder();
const folder = join(scratch, 'page');
let server: StaticServer;

beforeAll(async () => {
  mkdirSync(join(folder, 'sub'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<title>page</title>');
  writeFileSync(join(folder, 'sub', 'a b.js'), 'export {};');
  writeFileSync(join(scratch, 'secret.txt'), 'secret');
  server = await serveFolder(folder, { port: 0, host: '127.0.0.1' });
});
afterAll(() => server.close());

/** As it is written: `fetch` would resolve dots in the address. */
const get = (path: string, method = 'GET') =>
  new Promise<{ status: number | undefined; type: string | undefined; text: string }>((resolve, reject) => {
    const { hostname, port } = new URL(server.url);
    request({ hostname, port, path, method }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, type: response.headers['content-type'], text }));
    })
      .on('error', reject)
      .end();
  });

it('serves files with their types, and index.html for a folder', async () => {
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  expect(await get('/')).toEqual({ status: 200, type: 'text/html; charset=utf-8', text: '<title>page</title>' });
  expect(await get('/sub/a%20b.js?v=1')).toMatchObject({ status: 200, type: 'text/javascript; charset=utf-8' });
  expect(await get('/', 'HEAD')).toMatchObject({ status: 200, text: '' });
});

it.each(['/../secret.txt', '/%2e%2e/secret.txt', '/sub/..%2f..%2fsecret.txt', '/none.js', '/sub', '/%zz', '/%00'])(
  '%s is not served',
  async (path) => {
    const { status, text } = await get(path);
    expect(status).toBe(404);
    expect(text).not.toContain('secret');
  },
);

it('refuses what is no reading', async () => {
  expect(await get('/', 'POST')).toMatchObject({ status: 405 });
});

it('says in one line that a port is taken, and by which flag another is chosen', async () => {
  const { port } = new URL(server.url);
  await expect(serveFolder(folder, { port: Number(port), host: '127.0.0.1' })).rejects.toThrow(
    /taken; choose another --port/,
  );
  expect(await run('web', '--port', '70000')).toMatchObject({ code: 2, err: expect.stringContaining('--port') });
});
