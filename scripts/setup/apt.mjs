import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { distributionSource, parseSources } from './apt-sources.mjs';
import { reasonOf, say } from './console.mjs';
import { namesIn, vulkanFolder } from './files.mjs';

/** Dawn refuses the lavapipe of Mesa 22; from this version on it is known to take it. */
const oldestMesa = 24;
const configuration = '/etc/apt';
const logFile = join(vulkanFolder, 'apt.log');

/** @returns {boolean} whether packages of the distribution can be installed by this user */
export function canUseApt() {
  const root = process.platform === 'linux' && process.getuid?.() === 0;
  return root && spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** @returns {{ id: string, codename: string }} the distribution, e.g. debian and bookworm */
function release() {
  const text = readFileSync('/etc/os-release', 'utf8');
  const field = (/** @type {string} */ name) => new RegExp(`^${name}="?([^"\n]*)`, 'm').exec(text)?.[1] ?? '';
  return { id: field('ID'), codename: field('VERSION_CODENAME') };
}

/**
 * apt with lists, caches and sources of its own under a temporary folder, so that nothing of the system's apt changes:
 * the system's own sources are copied there, and a suite can be added to the copy.
 */
class PrivateApt {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'simclr-apt-'));
    // apt drops to a user of its own for downloads, who must get in here.
    chmodSync(this.folder, 0o755);
    this.sources = join(this.folder, 'sources.list.d');
    for (const name of ['lists/partial', 'cache/archives/partial'])
      mkdirSync(join(this.folder, name), { recursive: true });
    mkdirSync(this.sources);
    for (const name of namesIn(join(configuration, 'sources.list.d'))) {
      if (/\.(list|sources)$/.test(name)) cpSync(join(configuration, 'sources.list.d', name), join(this.sources, name));
    }
    this.options = Object.entries({
      'Dir::Etc::sourceparts': this.sources,
      'Dir::State::lists': join(this.folder, 'lists'),
      'Dir::Cache': join(this.folder, 'cache'),
      'Acquire::Retries': '1',
      'Acquire::http::Timeout': '30',
      'Acquire::https::Timeout': '30',
      'DPkg::Lock::Timeout': '120',
      'Dpkg::Use-Pty': '0',
    }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  }

  /** @param {string} program @param {string[]} args @returns {string} what it said; throws with apt's own reason */
  run(program, args) {
    const { status, stdout, stderr, error } = spawnSync(program, [...this.options, ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    appendFileSync(logFile, `$ ${program} ${args.join(' ')}\n${stdout}${stderr}\n`);
    if (status === 0) return `${stdout}${stderr}`;
    const reason =
      stderr?.split('\n').find((line) => line.startsWith('E: ')) ?? error?.message ?? `exit code ${status}`;
    throw new Error(`${program} ${args[0]}: ${reason.replace(/^E: /, '')} (everything it said is in .vulkan/apt.log)`);
  }

  /** Fetches the lists. A source that fails is no reason to stop: whether the packages are found is looked at next. */
  update() {
    let said = '';
    try {
      said = this.run('apt-get', ['update', '-q']);
    } catch (error) {
      said = reasonOf(error);
    }
    // apt ends well even when it reached no mirror at all.
    const failed = /Failed to fetch|does not have a Release file|apt-get update: /.test(said);
    this.missing = failed
      ? 'package lists could not be fetched; check the network (.vulkan/apt.log has what apt said)'
      : '';
  }

  /** @param {string} name of a package @returns {{ version: string, suite: string }[]} what the sources offer */
  versions(name) {
    return parseVersions(this.run('apt-cache', ['madison', name]));
  }

  /** @param {string} name of a file @param {string} text */
  addSource(name, text) {
    writeFileSync(join(this.sources, name), text);
  }

  /** @returns {import('./apt-sources.mjs').Source[]} */
  configured() {
    const files = [
      join(configuration, 'sources.list'),
      ...namesIn(this.sources).map((name) => join(this.sources, name)),
    ];
    return files.flatMap((file) => {
      try {
        return parseSources(file, readFileSync(file, 'utf8'));
      } catch {
        return [];
      }
    });
  }

  close() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** @param {string} text of `apt-cache madison` @returns {{ version: string, suite: string }[]} */
export function parseVersions(text) {
  return text
    .split('\n')
    .map((line) => line.split('|').map((part) => part.trim()))
    .filter((parts) => parts.length === 3 && /Packages$/.test(parts[2]))
    .map(([, version, origin]) => ({ version, suite: origin.split(/\s+/)[1].split('/')[0] }));
}

/** @param {string} version e.g. 25.0.7-2~bpo12+1, or 1:24.2.1 */
const major = (version) => Number.parseInt(version.replace(/^\d+:/, ''), 10);

/**
 * How to name a Mesa to apt that Dawn takes.
 * @param {PrivateApt} apt
 * @returns {string[]} arguments for `apt-get install`
 */
function usableMesa(apt) {
  const { id, codename } = release();
  const name = 'mesa-vulkan-drivers';
  const own = apt.versions(name).filter(({ suite }) => !suite.endsWith('-backports'));
  if (own.some(({ version }) => major(version) >= oldestMesa)) return [name];
  if (own.length === 0) throw new Error(apt.missing || `no configured source has ${name}`);
  const source = id === 'debian' ? distributionSource(apt.configured(), id, codename) : undefined;
  if (!source) throw new Error(`${name} ${own[0].version} is older than Mesa ${oldestMesa}, which Dawn refuses`);
  const suite = `${codename}-backports`;
  apt.addSource('simclr-backports.sources', source.forSuite(suite));
  apt.update();
  const newer = apt.versions(name).find((entry) => entry.suite === suite && major(entry.version) >= oldestMesa);
  if (!newer) throw new Error(apt.missing || `${suite} has no Mesa ${oldestMesa} or newer`);
  return [`${name}=${newer.version}`];
}

/**
 * Installs lavapipe, Vulkan in software, and the Vulkan loader from the distribution; for tests SwiftShader too, where the
 * distribution has it. Throws with the reason it cannot.
 * @param {{ test: boolean }} options
 */
export function installLavapipe({ test }) {
  say(`installing Vulkan in software, Mesa's lavapipe, from the distribution's packages (one to three minutes) …`);
  mkdirSync(vulkanFolder, { recursive: true });
  writeFileSync(logFile, '');
  const apt = new PrivateApt();
  try {
    apt.update();
    const packages = [...usableMesa(apt), 'libvulkan1'];
    if (test && apt.versions('chromium-common').length > 0) packages.push('chromium-common');
    // Nothing that is installed may go to make room.
    const careful = ['-y', '-q', '--no-remove', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold'];
    apt.run('apt-get', ['install', ...careful, ...packages]);
  } finally {
    apt.close();
  }
}
