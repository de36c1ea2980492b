import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { distributionSource, parseSources, suiteSources } from './apt-sources.mjs';
import { DriverFailure } from './console.mjs';
import { namesIn, vulkanFolder } from './files.mjs';

const configuration = '/etc/apt';
const logFile = join(vulkanFolder, 'apt.log');

/** Longest runs of apt in milliseconds: beyond them a network, or a crowded machine, will not get it done. */
const limits = { lists: 300_000, packages: 900_000, query: 300_000 };

/** @returns {boolean} whether this system has apt */
export function hasApt() {
  return process.platform === 'linux' && spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** @returns {{ id: string, codename: string }} the distribution, e.g. debian and bookworm */
export function release() {
  const text = readFileSync('/etc/os-release', 'utf8');
  const field = (/** @type {string} */ name) => new RegExp(`^${name}="?([^"\n]*)`, 'm').exec(text)?.[1] ?? '';
  return { id: field('ID'), codename: field('VERSION_CODENAME') };
}

/**
 * apt with package lists, caches and sources of its own in a temporary folder: it works for any user, and nothing of the
 * system's apt changes. It knows the distribution's sources only, since a vendor's server that is down must not hold it up.
 */
export class PrivateApt {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'simclr-apt-'));
    // apt drops to a user of its own for downloads, who must get in here.
    chmodSync(this.folder, 0o755);
    for (const name of ['lists/partial', 'cache/archives/partial', 'sources'])
      mkdirSync(join(this.folder, name), { recursive: true });
    this.options = Object.entries({
      'Dir::Etc::sourcelist': '/dev/null',
      'Dir::Etc::sourceparts': join(this.folder, 'sources'),
      'Dir::State::lists': join(this.folder, 'lists'),
      'Dir::Cache': join(this.folder, 'cache'),
      'Dir::Log::Planner': join(this.folder, 'eipp.log.xz'),
      'Acquire::Languages': 'none',
      'Acquire::Retries': '0',
      'Acquire::http::Timeout': '10',
      'Acquire::https::Timeout': '10',
      'DPkg::Lock::Timeout': '120',
      'Dpkg::Use-Pty': '0',
    }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    mkdirSync(vulkanFolder, { recursive: true });
    appendFileSync(logFile, `${new Date().toISOString()}\n`);
  }

  /**
   * @param {string} program of apt
   * @param {string[]} args
   * @param {{ timeout?: number, cwd?: string }} [options]
   * @returns {string} its stdout; throws with apt's own reason
   */
  run(program, args, { timeout = limits.query, cwd } = {}) {
    const { status, stdout, stderr, error } = spawnSync(program, [...this.options, ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      timeout,
      cwd,
    });
    appendFileSync(logFile, `$ ${program} ${args.join(' ')}\n${stdout}${stderr}\n`);
    if (status === 0) return `${stdout}`;
    const reason =
      stderr?.split('\n').find((line) => line.startsWith('E: ')) ?? error?.message ?? `exit code ${status}`;
    throw new DriverFailure(`${program} ${args[0]}: ${reason.replace(/^E: /, '')} (full output: .vulkan/apt.log)`);
  }

  /**
   * Takes the machine's own source of the distribution and fetches its package list, which also tells in one try whether the
   * network is there.
   */
  useDistribution() {
    const { id, codename } = release();
    this.configured = configuredSources();
    this.main = distributionSource(this.configured, id, codename);
    if (!this.main) throw new Error(`no apt source for ${id} ${codename} is configured`);
    this.addSource(codename, this.main);
    // Without this option apt ends well even when it reached no mirror at all.
    this.update(['-o', 'APT::Update::Error-Mode=any']);
  }

  /** Adds updates and what else completes the distribution. @param {string | undefined} suite one that need not be configured */
  addSuites(suite) {
    for (const [name, source] of suiteSources(this.configured ?? [], release().codename)) this.addSource(name, source);
    if (suite && this.main) this.addSource(suite, this.main);
    this.update();
  }

  /** @param {string} suite @param {import('./apt-sources.mjs').Source} source */
  addSource(suite, source) {
    writeFileSync(join(this.folder, 'sources', `${suite}.sources`), source.forSuite(suite));
  }

  /** @param {string[]} [options] */
  update(options = []) {
    this.run('apt-get', ['update', '-q', ...options], { timeout: limits.lists });
  }

  /** @param {string} name of a package @returns {{ version: string, suite: string }[]} what the sources offer */
  versions(name) {
    return parseVersions(this.run('apt-cache', ['madison', name]));
  }

  /**
   * What apt would install for packages, on this system as it is; those given are there even if they are installed.
   * @param {string[]} packages
   * @param {string | undefined} suite to prefer
   * @returns {Map<string, string>} versions by name
   */
  simulate(packages, suite) {
    const args = ['install', '--simulate', '--reinstall', '--no-install-recommends'];
    return parseSimulation(this.run('apt-get', [...args, ...(suite ? ['-t', suite] : []), ...packages]));
  }

  /** @param {Map<string, string>} packages versions by name @returns {string} their descriptions, as control files have them */
  describe(packages) {
    return this.run('apt-cache', ['show', ...[...packages].map((entry) => entry.join('='))]);
  }

  /** @param {Map<string, string>} packages versions by name @param {string} folder to download their .deb files to */
  download(packages, folder) {
    const names = [...packages].map((entry) => entry.join('='));
    this.run('apt-get', ['download', '-q', ...names], { timeout: limits.packages, cwd: folder });
  }

  /**
   * Installs on the system. Nothing that is installed may go to make room.
   * @param {string[]} packages
   * @param {string | undefined} suite to prefer
   */
  install(packages, suite) {
    const careful = ['-y', '-q', '--no-remove', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold'];
    this.run('apt-get', ['install', ...careful, ...(suite ? ['-t', suite] : []), ...packages], {
      timeout: limits.packages,
    });
  }

  close() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** @returns {import('./apt-sources.mjs').Source[]} all that are configured on this machine */
export function configuredSources() {
  const parts = join(configuration, 'sources.list.d');
  const files = [join(configuration, 'sources.list'), ...namesIn(parts).map((name) => join(parts, name))];
  return files.flatMap((file) => {
    try {
      return parseSources(file, readFileSync(file, 'utf8'));
    } catch {
      return [];
    }
  });
}

/** @param {string} text of `apt-cache madison` @returns {{ version: string, suite: string }[]} */
export function parseVersions(text) {
  return text
    .split('\n')
    .map((line) => line.split('|').map((part) => part.trim()))
    .filter((parts) => parts.length === 3 && /Packages$/.test(parts[2]))
    .map(([, version, origin]) => ({ version, suite: origin.split(/\s+/)[1].split('/')[0] }));
}

/** @param {string} text of `apt-get install --simulate` @returns {Map<string, string>} versions of what it installs, by name */
export function parseSimulation(text) {
  const lines = [...text.matchAll(/^Inst ([^\s:]+) (?:\[[^\]]*\] )?\((\S+) /gm)];
  return new Map(lines.map(([, name, version]) => [name, version]));
}

/**
 * Those of some packages that a package depends on, directly or through one another, and itself. apt's own list has more: it
 * replaces installed packages that would conflict.
 * @param {string} name
 * @param {Map<string, string>} packages versions by name
 * @param {string} descriptions of `apt-cache show`
 * @returns {Map<string, string>}
 */
export function dependenciesAmong(name, packages, descriptions) {
  const depends = new Map(
    descriptions.split(/\n\s*\n/).map((text) => {
      const field = (/** @type {string} */ key) => new RegExp(`^${key}: (.*)$`, 'm').exec(text)?.[1] ?? '';
      const names = `${field('Pre-Depends')},${field('Depends')}`
        .split(/[,|]/)
        .map((part) => part.trim().split(/[\s:(]/)[0]);
      return [field('Package'), names];
    }),
  );
  /** @type {Map<string, string>} */
  const reached = new Map();
  const visit = (/** @type {string} */ next) => {
    const version = packages.get(next);
    if (version === undefined || reached.has(next)) return;
    reached.set(next, version);
    for (const dependency of depends.get(next) ?? []) visit(dependency);
  };
  visit(name);
  return reached;
}
