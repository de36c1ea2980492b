import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Header } from 'tar';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Archive, type DownloadOptions, downloadStl10, STL10_ARCHIVE } from '../../src/data/download.ts';
import type { Progress } from '../../src/data/images.ts';
import { temporaryFolder, writeTree } from './helpers.ts';

const md5 = (bytes: Uint8Array | string) => createHash('md5').update(bytes).digest('hex');

interface Entry {
  path: string;
  content?: Uint8Array;
  type?: 'File' | 'SymbolicLink' | 'Link';
  linkpath?: string;
}

/** A .tar.gz, entry by entry, so that it may hold what no honest tool would write. */
function tarball(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, content = new Uint8Array(), type = 'File', linkpath }) => {
    const header = new Header({ path, size: content.length, type, linkpath, mode: 0o644, mtime: new Date(0) });
    header.encode();
    return [header.block!, content, new Uint8Array((512 - (content.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, new Uint8Array(1024)]));
}

/** Bytes that do not compress, so that the archive has some length. */
const noise = (seed: number, length: number) => Uint8Array.from({ length }, (_, i) => createByte(seed, i));
const createByte = (seed: number, i: number) =>
  (Math.imul(i + seed * 7919 + 1, 0x9e3779b1) >>> 13) ^ (Math.imul(i, i) >>> 7);

const files: Record<string, Uint8Array> = {
  'train_X.bin': noise(1, 200_000),
  'train_y.bin': noise(2, 50),
  'class_names.txt': Buffer.from('a\nb\n'),
};
const honest = Object.entries(files).map(([name, content]) => ({ path: `stl10_binary/${name}`, content }));
const bytes = tarball(honest);

let server: Server;
let base: string;
/** What the server does with the next requests. */
let respond: (request: IncomingMessage, response: ServerResponse) => void;
let ranges: (string | undefined)[];
beforeAll(async () => {
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const root = temporaryFolder();
let target: string;
let serial = 0;
beforeEach(() => {
  target = join(root, String(serial++));
  ranges = [];
});

/** A server that knows Range and If-Range, as the real one does. */
const serve =
  (content: Buffer, { etag = '"v1"', cutAfter = Number.POSITIVE_INFINITY } = {}) =>
  (request: IncomingMessage, response: ServerResponse) => {
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const fresh = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
    const start = range && fresh ? Number(range[1]) : 0;
    if (start >= content.length) return response.writeHead(416, { 'Content-Range': `bytes */${content.length}` }).end();
    const headers: Record<string, string | number> = { ETag: etag, 'Content-Length': content.length - start };
    if (start > 0) headers['Content-Range'] = `bytes ${start}-${content.length - 1}/${content.length}`;
    response.writeHead(start > 0 ? 206 : 200, headers);
    if (content.length - start <= cutAfter) return response.end(content.subarray(start));
    response.write(content.subarray(start, start + cutAfter), () => setTimeout(() => response.destroy(), 20));
  };

const archiveOf = (content: Buffer, extra: Partial<Archive> = {}): Archive => ({
  url: `${base}/stl10_binary.tar.gz`,
  size: content.length,
  md5: md5(content),
  members: Object.entries(files).map(([name, file]) => ({ name, size: file.length, md5: md5(file) })),
  ...extra,
});
const fetchTo = (options: DownloadOptions = {}) =>
  downloadStl10(target, { archive: archiveOf(bytes), fetch: { attempts: 4, backoff: 1, idle: 300 }, ...options });
const unpacked = () => join(target, 'stl10_binary');
const expectWhole = () => {
  for (const [name, content] of Object.entries(files))
    expect(readFileSync(join(unpacked(), name)).equals(content)).toBe(true);
  expect(readdirSync(target)).toEqual(['stl10_binary']);
};

describe('downloadStl10', () => {
  it('fetches, checks, unpacks, tidies up; a second call does nothing', async () => {
    respond = serve(bytes);
    const seen: Progress[] = [];
    expect(await fetchTo({ onProgress: (progress) => seen.push(progress) })).toEqual({
      folder: unpacked(),
      fetched: true,
    });
    expectWhole();
    for (const phase of ['download', 'verify', 'unpack']) {
      expect(seen.filter((progress) => progress.phase === phase).at(-1)).toEqual({
        phase,
        done: bytes.length,
        total: bytes.length,
      });
    }
    respond = (_, response) => response.writeHead(500).end();
    expect(await fetchTo()).toEqual({ folder: unpacked(), fetched: false });
    expect(ranges.length).toBe(1);
  });

  it('continues after a lost connection, from the byte where it broke', async () => {
    respond = serve(bytes, { cutAfter: 60_000 });
    const retries: string[] = [];
    await fetchTo({ onRetry: (message) => retries.push(message) });
    expectWhole();
    expect(ranges).toEqual([undefined, 'bytes=60000-', 'bytes=120000-', 'bytes=180000-'].slice(0, ranges.length));
    expect(retries.length).toBe(ranges.length - 1);
    expect(retries[0]).toMatch(/^connection lost after 60000 bytes \(.+\); trying again in 0 s$/);
  });

  it('continues at the next call when a call gave up', async () => {
    respond = serve(bytes, { cutAfter: 50_000 });
    const once = { fetch: { attempts: 1, backoff: 1, idle: 300 } };
    await expect(fetchTo(once)).rejects.toThrow(/connection lost.*; 50000 bytes are kept: run again to continue/);
    respond = serve(bytes);
    await fetchTo(once);
    expect(ranges).toEqual([undefined, 'bytes=50000-']);
    expectWhole();
  });

  it('starts over when the server ignores Range', async () => {
    let requests = 0;
    const ignoring = (cutAfter: number) => (request: IncomingMessage, response: ServerResponse) => {
      delete request.headers.range;
      serve(bytes, { cutAfter })(request, response);
    };
    respond = (request, response) => ignoring(requests++ === 0 ? 50_000 : Number.POSITIVE_INFINITY)(request, response);
    await fetchTo();
    expect(ranges).toEqual([undefined, 'bytes=50000-']);
    expectWhole();
  });

  it('starts over when the file on the server has changed', async () => {
    respond = serve(Buffer.from(bytes).fill(1), { etag: '"old"', cutAfter: 50_000 });
    await expect(fetchTo({ fetch: { attempts: 1 } })).rejects.toThrow('50000 bytes are kept');
    respond = serve(bytes, { etag: '"new"' });
    await fetchTo();
    expect(ranges).toEqual([undefined, 'bytes=50000-']);
    expectWhole();
  });

  /** Leaves what an earlier call would have left. */
  const leave = (content: Uint8Array, version: string | undefined = '"v1"') => {
    const part = 'stl10_binary.tar.gz.part';
    writeTree(target, { [part]: content, [`${part}.json`]: JSON.stringify({ url: archiveOf(bytes).url, version }) });
  };

  it('starts over where there is more than the archive has', async () => {
    leave(Buffer.concat([bytes, Buffer.alloc(99_999)]));
    respond = serve(bytes);
    await fetchTo();
    expect(ranges).toEqual([undefined]);
    expectWhole();
  });

  it('starts over after 416', async () => {
    leave(bytes.subarray(0, 50_000));
    respond = (request, response) =>
      request.headers.range ? response.writeHead(416).end() : serve(bytes)(request, response);
    await fetchTo();
    expect(ranges).toEqual([undefined, 'bytes=50000-'].reverse());
    expectWhole();
  });

  it('asks for nothing when all bytes are there and only the check is left', async () => {
    respond = serve(bytes);
    mkdirSync(target, { recursive: true });
    const part = join(target, 'stl10_binary.tar.gz.part');
    writeFileSync(part, bytes);
    writeFileSync(`${part}.json`, JSON.stringify({ url: archiveOf(bytes).url, version: '"v1"', total: bytes.length }));
    await fetchTo();
    expect(ranges).toEqual([]);
    expectWhole();
  });

  it('does not trust a part that nothing is known about', async () => {
    respond = serve(bytes);
    writeTree(target, { 'stl10_binary.tar.gz.part': 'something else', 'stl10_binary.tar.gz.part.json': '{"url": 3' });
    await fetchTo();
    expect(ranges).toEqual([undefined]);
    expectWhole();
  });

  it('gives a silent server up, and survives a busy one', async () => {
    let requests = 0;
    respond = (request, response) => {
      requests++;
      if (requests === 1) response.writeHead(503).end();
      else if (requests === 2) response.writeHead(429).end();
      else if (requests > 3) serve(bytes)(request, response);
    };
    const retries: string[] = [];
    await fetchTo({ onRetry: (message) => retries.push(message) });
    expect(retries.map((message) => message.split(';')[0])).toEqual([
      'the server answered 503 Service Unavailable',
      'the server answered 429 Too Many Requests',
      '127.0.0.1 gave no answer within 0.3 s',
    ]);
    expectWhole();
  });

  it('follows redirects', async () => {
    respond = (request, response) =>
      request.url === '/elsewhere'
        ? serve(bytes)(request, response)
        : response.writeHead(302, { Location: '/elsewhere' }).end();
    await fetchTo();
    expectWhole();
    rmSync(target, { recursive: true });
    respond = (_, response) => response.writeHead(302, { Location: 'ftp://example.org/x' }).end();
    await expect(fetchTo()).rejects.toThrow('ftp://example.org/x: not an http or https address');
    respond = (_, response) => response.writeHead(302, { Location: 'http://[bad' }).end();
    await expect(fetchTo()).rejects.toThrow(
      /\/stl10_binary\.tar\.gz: the server redirects to "http:\/\/\[bad", which is not a valid address; give another .*--url/,
    );
    respond = (_, response) => response.writeHead(302, { Location: '/again' }).end();
    await expect(fetchTo()).rejects.toThrow('too many redirects');
  });

  it('keeps the bytes of the archive when the server labels them as gzip-encoded', async () => {
    respond = (_, response) =>
      response.writeHead(200, { 'Content-Encoding': 'x-gzip', 'Content-Length': bytes.length }).end(bytes);
    await fetchTo();
    expectWhole();
  });

  it('uses an archive that was put there, and leaves it', async () => {
    writeTree(target, { 'stl10_binary.tar.gz': bytes });
    await fetchTo();
    expect(ranges).toEqual([]);
    expect(readdirSync(target).sort()).toEqual(['stl10_binary', 'stl10_binary.tar.gz']);
    rmSync(unpacked(), { recursive: true });
    truncateSync(join(target, 'stl10_binary.tar.gz'), 1000);
    await expect(fetchTo()).rejects.toThrow(/stl10_binary\.tar\.gz: MD5 .*delete it/);
    expect(existsSync(join(target, 'stl10_binary.tar.gz'))).toBe(true);
  });

  it('replaces files of a wrong size', async () => {
    respond = serve(bytes);
    writeTree(target, { 'stl10_binary/train_X.bin': 'half', 'stl10_binary/train_y.bin': files['train_y.bin'] });
    await fetchTo();
    expectWhole();
  });
});

describe('downloadStl10 refuses', () => {
  const nothingLeft = () => expect(existsSync(target) ? readdirSync(target) : []).toEqual([]);

  it('404, at once and in words', async () => {
    respond = (_, response) => response.writeHead(404).end('not here');
    await expect(fetchTo()).rejects.toThrow(
      `${base}/stl10_binary.tar.gz: the server answered 404 Not Found; give another address of the archive with --url`,
    );
    expect(ranges.length).toBe(1);
    nothingLeft();
  });

  it('addresses that are none, and servers that are not there', async () => {
    await expect(fetchTo({ url: 'nonsense' })).rejects.toThrow('nonsense: not an http or https address');
    const retries: string[] = [];
    const dead = fetchTo({ url: 'http://127.0.0.1:9/x', onRetry: (message) => retries.push(message) });
    await expect(dead).rejects.toThrow(
      /^http:\/\/127\.0\.0\.1:9\/x: 127\.0\.0\.1 refuses the connection; give another address of .* with --url/,
    );
    expect(retries).toEqual([]);
  });

  it('a server that accepts and never answers: --url is named after the time to answer, without retries', async () => {
    const silent = createTcpServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/x`;
    const started = performance.now();
    const fetch = { attempts: 6, backoff: 60_000, idle: 30_000, answer: 200 };
    await expect(fetchTo({ url, fetch })).rejects.toThrow(
      /: 127\.0\.0\.1 gave no answer within 0\.2 s; give another address .* --url, or put it there yourself as .*stl10_binary\.tar\.gz$/,
    );
    expect(performance.now() - started).toBeLessThan(5000);
    silent.close();
  });

  it('names that are none, servers without TLS, several addresses that all fail: one line each, at once', async () => {
    await expect(fetchTo({ url: 'http://nowhere.invalid/x' })).rejects.toThrow(
      /: nowhere\.invalid (is not a known host name|cannot be looked up: no name server answers); .*--url/,
    );
    await expect(fetchTo({ url: base.replace('http:', 'https:') })).rejects.toThrow(
      /: no secure connection to 127\.0\.0\.1 \([^\n]+\); .*--url/,
    );
    await expect(fetchTo({ url: 'http://localhost:9/x' })).rejects.toThrow(/localhost refuses the connection; .*--url/);
  });

  it('says that the proxy of other programs is not used', async () => {
    const before = process.env['http_proxy'];
    process.env['http_proxy'] = 'http://127.0.0.1:3128';
    try {
      await expect(fetchTo({ url: 'http://127.0.0.1:9/x' })).rejects.toThrow('the proxy in http_proxy is not used');
    } finally {
      if (before === undefined) delete process.env['http_proxy'];
      else process.env['http_proxy'] = before;
    }
  });

  it('a server that breaks off without an answer: three attempts', async () => {
    respond = (request) => request.socket.destroy();
    const fetch = { attempts: 6, backoff: 1, idle: 300 };
    await expect(fetchTo({ fetch })).rejects.toThrow(/closed the connection without an answer \(3 attempts\); .*--url/);
    expect(ranges.length).toBe(3);
  });

  it('a download that was interrupted is kept while its server cannot be reached, and resumes', async () => {
    respond = serve(bytes, { cutAfter: 50_000 });
    await expect(fetchTo({ fetch: { attempts: 1 } })).rejects.toThrow('50000 bytes are kept');
    const { port } = server.address() as AddressInfo;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    await expect(fetchTo()).rejects.toThrow(
      /refuses the connection; 50000 bytes are kept: run again to continue, or .*--url/,
    );
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    respond = serve(bytes);
    await fetchTo();
    expect(ranges).toEqual([undefined, 'bytes=50000-']);
    expectWhole();
  });

  it('a wrong MD5: the file goes, and the next call starts afresh', async () => {
    const wrong = Buffer.from(bytes);
    wrong[1000] ^= 1;
    respond = serve(wrong);
    await expect(fetchTo()).rejects.toThrow(
      `MD5 ${md5(wrong)}, expected ${md5(bytes)}; it was deleted; run the command again`,
    );
    nothingLeft();
    respond = serve(bytes);
    await fetchTo();
    expectWhole();
  });

  it('an endless body, at the size of the archive; nothing of it is left', async () => {
    let sent = 0;
    respond = (_, response) => {
      response.writeHead(200, { ETag: '"v1"' }); // chunked: nobody says how much comes
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    await expect(fetchTo()).rejects.toThrow(
      `${base}/stl10_binary.tar.gz: the server has more than ${bytes.length} bytes, expected ${bytes.length}: it is another file; give another address`,
    );
    expect(ranges.length).toBe(1);
    nothingLeft();
    expect(sent).toBeLessThan(1e9);
  });

  it.each([-1, 1])('a file of another size, before its first byte (%i)', async (more) => {
    respond = (_, response) => {
      response.writeHead(200, { 'Content-Length': bytes.length + more });
      response.write(bytes.subarray(0, 1000));
    };
    await expect(fetchTo()).rejects.toThrow(
      `the server has ${bytes.length + more} bytes, expected ${bytes.length}: it is another file; give another address`,
    );
    nothingLeft();
  });

  it('to keep what cannot be continued, and to say that it is kept', async () => {
    respond = (_, response) => {
      response.writeHead(200, { 'Content-Length': bytes.length }); // neither ETag nor Last-Modified
      response.write(bytes.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20));
    };
    const failed = fetchTo({ fetch: { attempts: 1 } });
    await expect(failed).rejects.toThrow(/connection lost after 50000 bytes \(.+\); give another address/);
    nothingLeft();
  });

  it('a body that ends early without having said how long it is', async () => {
    respond = (_, response) => response.writeHead(200, { ETag: '"v1"' }).end(bytes.subarray(0, 1000));
    await expect(fetchTo({ fetch: { attempts: 1 } })).rejects.toThrow(
      `connection closed after 1000 of ${bytes.length} bytes; 1000 bytes are kept: run again to continue`,
    );
  });

  it('to throw away what another address has begun', async () => {
    respond = serve(bytes, { cutAfter: 50_000 });
    await expect(fetchTo({ fetch: { attempts: 1 } })).rejects.toThrow('50000 bytes are kept');
    await expect(fetchTo({ url: 'http://127.0.0.1:9/x' })).rejects.toThrow('refuses the connection');
    respond = serve(bytes);
    await fetchTo();
    expect(ranges).toEqual([undefined, 'bytes=50000-']);
    expectWhole();
  });

  it('too little space, before the first byte; what is there already counts, and some is left free', async () => {
    respond = serve(bytes);
    const unpackedBytes = Object.values(files).reduce((sum, file) => sum + file.length, 0);
    const need = (present: number) => Math.ceil((bytes.length - present + unpackedBytes) * 1.05);
    await expect(fetchTo({ freeBytes: async () => need(0) - 1 })).rejects.toThrow(
      `${target}: 0.00 GB free, 0.00 GB needed`,
    );
    expect(ranges).toEqual([]);
    writeTree(target, { 'stl10_binary.tar.gz.part': bytes.subarray(0, 100) });
    expect((await fetchTo({ freeBytes: async () => need(100) })).fetched).toBe(true);
    const real = downloadStl10(join(target, 'real'), { freeBytes: async () => 6e9 });
    await expect(real).rejects.toThrow('6.00 GB free, 6.05 GB needed');
  });

  it.each<[string, Buffer, RegExp]>([
    ['without a member', tarball(honest.slice(1)), /member train_X\.bin is missing/],
    [
      'with a member of another size',
      tarball([...honest.slice(1), { ...honest[0], content: new Uint8Array(5) }]),
      /train_X\.bin has 5 bytes, expected 200000/,
    ],
    [
      'with other bytes',
      tarball([...honest.slice(1), { ...honest[0], content: new Uint8Array(200_000) }]),
      /train_X\.bin has MD5/,
    ],
    [
      'with a link for a member',
      tarball([
        ...honest.slice(1),
        { path: 'stl10_binary/train_X.bin', type: 'SymbolicLink', linkpath: '/etc/passwd' },
      ]),
      /train_X\.bin is missing/,
    ],
    ['that is cut short', bytes.subarray(0, 90_000), /cannot be unpacked|is missing|bytes, expected/],
    ['that is no archive', Buffer.from('<html>not found</html>'), /cannot be unpacked|is missing/],
  ])('an archive %s, and leaves what was there', async (_, content, message) => {
    respond = serve(content);
    writeTree(target, { 'stl10_binary/train_y.bin': 'mine' });
    await expect(fetchTo({ archive: archiveOf(content) })).rejects.toThrow(message);
    expect(readFileSync(join(unpacked(), 'train_y.bin'), 'utf8')).toBe('mine');
    expect(readdirSync(target).filter((name) => name.includes('unpacking'))).toEqual([]);
  });

  it('to write outside its folder', async () => {
    const evil: Entry[] = [
      { path: '../evil.txt', content: Buffer.from('x') },
      { path: `${target}-evil.txt`, content: Buffer.from('x') },
      { path: 'stl10_binary/../../evil.txt', content: Buffer.from('x') },
      { path: 'stl10_binary/extra.txt', content: Buffer.from('x') },
      { path: 'stl10_binary', type: 'SymbolicLink', linkpath: root },
      ...honest,
    ];
    const content = tarball(evil);
    respond = serve(content);
    await fetchTo({ archive: archiveOf(content) });
    expectWhole();
    expect(readdirSync(unpacked()).sort()).toEqual(Object.keys(files).sort());
    expect(readdirSync(root).filter((name) => name.includes('evil'))).toEqual([]);
  });
});

describe('the real archive', () => {
  it('is described with the sizes that its numbers of images give', () => {
    const sizes = Object.fromEntries(STL10_ARCHIVE.members.map(({ name, size }) => [name, size]));
    expect(sizes).toMatchObject({
      'train_X.bin': 138_240_000,
      'test_X.bin': 221_184_000,
      'unlabeled_X.bin': 2_764_800_000,
    });
  });
});
