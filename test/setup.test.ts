import { describe, expect, test } from 'vitest';

/** Set-up is plain JavaScript without types, as it runs before there is a compiler. */
const load = (name: string) => import(new URL(`../scripts/setup/${name}.mjs`, import.meta.url).href);

describe("apt's sources", async () => {
  const { parseSources, distributionSource } = await load('apt-sources');

  test('a .sources stanza keeps its mirror and its key for another suite', () => {
    const text = [
      '# a comment',
      'Types: deb deb-src',
      'URIs: http://mirror.example/debian',
      'Suites: bookworm bookworm-updates',
      'Components: main contrib',
      'Signed-By:',
      ' -----BEGIN PGP PUBLIC KEY BLOCK-----',
      ' .',
      ' abc',
      '',
      'Types: deb',
      'URIs: http://mirror.example/debian-security',
      'Suites: bookworm-security',
      'Components: main',
    ].join('\n');
    const source = distributionSource(parseSources('debian.sources', text), 'debian', 'bookworm');
    expect(source.forSuite('bookworm-backports').trim().split('\n')).toEqual([
      'Types: deb',
      'URIs: http://mirror.example/debian',
      'Suites: bookworm-backports',
      'Components: main',
      'signed-by: ',
      ' -----BEGIN PGP PUBLIC KEY BLOCK-----',
      ' .',
      ' abc',
    ]);
  });

  test('a line of sources.list becomes a stanza with the same options', () => {
    const text = [
      '# deb http://old.example/debian bookworm main',
      'deb [arch=amd64,arm64 signed-by=/usr/share/keyrings/tool.gpg] http://tool.example/apt bookworm main',
      'deb [ signed-by=/usr/share/keyrings/k.gpg trusted=yes ] http://mirror.example/debian/ bookworm main non-free # own',
      'deb-src http://mirror.example/debian/ bookworm main',
    ].join('\n');
    const source = distributionSource(parseSources('/etc/apt/sources.list', text), 'debian', 'bookworm');
    expect(source.forSuite('bookworm-backports').trim().split('\n')).toEqual([
      'Types: deb',
      'URIs: http://mirror.example/debian/',
      'Suites: bookworm-backports',
      'Components: main',
      'signed-by: /usr/share/keyrings/k.gpg',
      'trusted: yes',
    ]);
    expect(parseSources('x.list', text)[0].forSuite('s')).toContain('arch: amd64 arm64');
  });

  test('sources that are switched off or of another suite do not count', () => {
    const text = 'Types: deb\nEnabled: no\nURIs: http://a.example/debian\nSuites: bookworm\nComponents: main';
    expect(parseSources('a.sources', text)).toEqual([]);
    const other = parseSources('b.list', 'deb http://b.example/debian bookworm-security main');
    expect(distributionSource(other, 'debian', 'bookworm')).toBeUndefined();
    expect(parseSources('c.sources.disabled', text.replace('no', 'yes'))).toEqual([]);
  });
});

test("versions are read from apt-cache's table", async () => {
  const { parseVersions } = await load('apt');
  const text = [
    'mesa-vulkan-drivers | 25.0.7-2~bpo12+1 | http://mirror.example/debian bookworm-backports/main amd64 Packages',
    'mesa-vulkan-drivers | 22.3.6-1+deb12u2 | http://mirror.example/debian bookworm/main amd64 Packages',
    '      mesa | 22.3.6-1 | http://mirror.example/debian bookworm/main Sources',
    '',
  ].join('\n');
  expect(parseVersions(text)).toEqual([
    { version: '25.0.7-2~bpo12+1', suite: 'bookworm-backports' },
    { version: '22.3.6-1+deb12u2', suite: 'bookworm' },
  ]);
});

describe('npm', async () => {
  const { checkNode, isInstalled } = await load('npm');

  test('an old Node is refused by its version', () => {
    expect(() => checkNode('18.20.4')).toThrow('Node 18.20.4');
    expect(() => checkNode('20.8.1')).toThrow('Node 20.9 or newer');
    for (const version of ['20.9.0', '22.0.0', '24.1.0']) expect(() => checkNode(version)).not.toThrow();
  });

  test('packages are complete when all versions agree, but for other platforms', () => {
    const wanted = {
      packages: {
        '': {},
        'node_modules/a': { version: '1.0.0' },
        'node_modules/b': { version: '2.0.0', optional: true },
      },
    };
    const installed = { packages: { 'node_modules/a': { version: '1.0.0' } } };
    expect(isInstalled(wanted, installed)).toBe(true);
    expect(isInstalled(wanted, null)).toBe(false);
    expect(isInstalled(wanted, { packages: {} })).toBe(false);
    expect(isInstalled(wanted, { packages: { 'node_modules/a': { version: '1.0.1' } } })).toBe(false);
  });
});

describe('tar', async () => {
  const { tarFiles } = await load('swiftshader');

  function entry(name: string, type: string, content: string): Buffer {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(content.length.toString(8).padStart(11, '0'), 124);
    header.write(type, 156);
    header.write('ustar\0', 257);
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    body.write(content);
    return Buffer.concat([header, body]);
  }

  test('regular files come out with their content, folders do not', () => {
    const long = 'x'.repeat(1000);
    const parts = [entry('lib/', '5', ''), entry('lib/a.so', '0', long), entry('b', '\0', 'b'), Buffer.alloc(1024)];
    const files = [...tarFiles(Buffer.concat(parts))].map(({ name, data }) => [name, String(data)]);
    expect(files).toEqual([
      ['lib/a.so', long],
      ['b', 'b'],
    ]);
  });
});

describe('software drivers', async () => {
  const { parseSimulation, dependenciesAmong } = await load('apt');
  const { suiteSources, parseSources } = await load('apt-sources');
  const { neededLibraries } = await load('elf');

  const simulation = [
    'The following packages will be upgraded:',
    'Inst libdrm-common [2.4.114-1] (2.4.123-1~bpo12+1 Debian Backports:oldstable-backports [all])',
    'Inst libdrm2 [2.4.114-1+b1] (2.4.123-1~bpo12+1 Debian Backports:oldstable-backports [amd64]) []',
    'Inst libgbm1 [22.3.6-1] (25.0.7-2~bpo12+1 Debian Backports:oldstable-backports [amd64])',
    'Inst mesa-vulkan-drivers (25.0.7-2~bpo12+1 Debian Backports:oldstable-backports [amd64])',
    'Conf libdrm2 (2.4.123-1~bpo12+1 Debian Backports:oldstable-backports [amd64])',
  ].join('\n');

  test('what apt would install is read with its versions', () => {
    expect([...parseSimulation(simulation)]).toEqual([
      ['libdrm-common', '2.4.123-1~bpo12+1'],
      ['libdrm2', '2.4.123-1~bpo12+1'],
      ['libgbm1', '25.0.7-2~bpo12+1'],
      ['mesa-vulkan-drivers', '25.0.7-2~bpo12+1'],
    ]);
  });

  test('of that only what the driver depends on is downloaded', () => {
    const descriptions = [
      'Package: libdrm2\nDepends: libc6 (>= 2.33), libdrm-common (>= 2.4.123-1~bpo12+1)\nDescription: x\n more',
      'Package: libgbm1\nDepends: libdrm2',
      'Package: mesa-vulkan-drivers\nDepends: libvulkan1, libnothing | libdrm2:any (>= 2.4.121), libllvm15\nBreaks: libgbm1',
    ].join('\n\n');
    const packages = parseSimulation(simulation);
    const found: Map<string, string> = dependenciesAmong('mesa-vulkan-drivers', packages, descriptions);
    expect([...found.keys()].sort()).toEqual(['libdrm-common', 'libdrm2', 'mesa-vulkan-drivers']);
    expect([...dependenciesAmong('absent', packages, descriptions)]).toEqual([]);
  });

  test("other suites of the distribution are found, a vendor's are not", () => {
    const text = [
      'deb http://mirror.example/debian bookworm main',
      'deb http://mirror.example/debian bookworm-updates main',
      'deb http://mirror.example/debian-security stable-security main',
      'deb http://vendor.example/apt bookworm-vendor main',
    ].join('\n');
    const suites = suiteSources(parseSources('x.list', text), 'bookworm').map(([suite]: [string]) => suite);
    expect(suites).toEqual(['bookworm-updates', 'stable-security']);
  });

  test.skipIf(process.platform !== 'linux')('what a library needs is read from its file', () => {
    const dawn = new URL(`../node_modules/webgpu/dist/linux-${process.arch}/dawn.node`, import.meta.url).pathname;
    expect(neededLibraries(dawn)).toEqual(expect.arrayContaining(['libstdc++.so.6', 'libc.so.6']));
    expect(() => neededLibraries(new URL(import.meta.url).pathname)).toThrow('not a 64-bit');
  });
});

describe('advice', async () => {
  const { noAdapter } = await load('advice');

  test('says what was tried and what to do', () => {
    const text: string = noAdapter({}, ['no Vulkan driver is installed']);
    expect(text.split('\n')[1]).toBe('  no Vulkan driver is installed');
    expect(text.split('\n').at(-1)).toBe('Then run the same command again.');
  });

  test('a package that does not load is no matter of drivers', () => {
    expect(noAdapter({ packageFails: true }, [])).not.toContain('mesa');
  });
});
