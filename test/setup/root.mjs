/**
 * Pristine Debian 12 roots for the tests of set-up: made with debootstrap from this machine's mirror, entered with chroot in
 * namespaces of their own, so that no mount and no process outlives a run. By hand, in a folder that keeps the roots:
 *
 *   node test/setup/root.mjs FOLDER STATE [--user] [--offline] [COMMAND]
 *
 * runs a command (a shell without one) as root, or as an ordinary user, in the working tree's copy inside a root of that state:
 * one of `states`. What it changes stays in FOLDER/STATE.top until that is deleted.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configuredSources, PrivateApt, release } from '../../scripts/setup/apt.mjs';
import { distributionSource, suiteSources } from '../../scripts/setup/apt-sources.mjs';

const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const suite = 'bookworm';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
const install = 'apt-get update -q && apt-get install -y -q --no-install-recommends';

/** What each state adds to one that it is made from. */
export const states = {
  empty: { from: undefined, command: '' },
  'old-mesa': { from: 'empty', command: `${install} mesa-vulkan-drivers libgl1-mesa-dri` },
  'new-mesa': { from: 'empty', command: `${install} -t ${suite}-backports mesa-vulkan-drivers` },
};

/** @returns {string | undefined} why no root can be made here */
export function whyNoRoots() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'roots are for Linux on x64';
  if (process.getuid?.() !== 0) return 'making a root takes root';
  if (release().id !== 'debian' || !existsSync(keyring)) return 'this machine is not a Debian';
  const trial = spawnSync('unshare', ['--mount', '--pid', '--fork', 'sh', '-c', 'mount -t tmpfs none /mnt'], {
    encoding: 'utf8',
  });
  return trial.status === 0
    ? undefined
    : `this machine does not let us mount: ${trial.error?.message ?? trial.stderr.trim()}`;
}

/**
 * Files of the program, Node and npm as a layer over a root: /project, /usr/local.
 * @param {string} folder
 */
function makeTools(folder) {
  const tools = join(folder, 'tools');
  rmSync(tools, { recursive: true, force: true });
  for (const name of [
    'project/node_modules',
    'usr/local/bin',
    'usr/local/lib/node_modules/npm',
    'etc/apt/sources.list.d',
    'etc/apt/apt.conf.d',
  ]) {
    mkdirSync(join(tools, name), { recursive: true });
  }
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: project,
    encoding: 'utf8',
  });
  const files = [...listed.stdout.split('\0').filter((file) => file && existsSync(join(project, file))), 'dist'];
  for (const file of files) cpSync(join(project, file), join(tools, 'project', file), { recursive: true });
  writeFileSync(join(tools, 'usr/local/bin/node'), '');
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(tools, 'usr/local/bin/npm'));
  const sources = configuredSources();
  const main = distributionSource(sources, 'debian', release().codename);
  if (!main) throw new Error('no apt source for Debian is configured');
  const more = suiteSources(sources, release().codename).filter(([name]) => !name.endsWith('-backports'));
  const stanzas = more.map(([name, source]) => source.forSuite(name.replace(/^[^-]+/, suite)));
  writeFileSync(join(tools, 'etc/apt/sources.list'), '');
  writeFileSync(join(tools, 'etc/apt/sources.list.d/debian.sources'), [main.forSuite(suite), ...stanzas].join('\n'));
  const proxy =
    spawnSync('apt-config', ['dump'], { encoding: 'utf8' }).stdout.match(/^Acquire::\w+::Proxy .*$/gm) ?? [];
  writeFileSync(join(tools, 'etc/apt/apt.conf.d/proxy'), `${proxy.join('\n')}\n`);
  for (const file of ['/etc/resolv.conf', '/etc/hosts', '/etc/ssl/certs']) {
    if (existsSync(file)) cpSync(file, join(tools, file), { recursive: true, dereference: true });
  }
}

/** @returns {string} the folder of the npm that belongs to this Node */
function npmFolder() {
  const folders = [
    dirname(dirname(process.env['npm_execpath'] ?? '/none/none')),
    join(dirname(dirname(process.execPath)), 'lib/node_modules/npm'),
  ];
  const found = folders.find((folder) => existsSync(join(folder, 'bin/npm-cli.js')));
  if (!found) throw new Error('npm was not found beside Node');
  return realpathSync(found);
}

/** Makes a state, and what it is made from, unless it is in the folder. @param {string} folder @param {keyof states} state */
export async function makeRoot(folder, state) {
  const root = join(folder, state);
  if (!existsSync(join(folder, 'tools'))) makeTools(folder);
  if (existsSync(root)) return;
  const partial = `${root}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const { from, command } = states[state];
  if (from) {
    await makeRoot(folder, from);
    // Backports are for this command only.
    const backports = `sed 's/${suite}$/${suite}-backports/' /etc/apt/sources.list.d/debian.sources > /etc/apt/sources.list.d/new.sources`;
    const script = `${command.includes('backports') ? `${backports} && ` : ''}${command} && rm -rf /etc/apt/sources.list.d/new.sources /var/lib/apt/lists /var/cache/apt/archives && mkdir -p /var/lib/apt/lists/partial /var/cache/apt/archives/partial`;
    const { status, output } = await enter({
      folder,
      layers: [join(folder, 'tools'), ...layersOf(folder, from)],
      top: partial,
      command: script,
    });
    if (status !== 0) throw new Error(`the root ${state} could not be made: ${output.slice(-2000)}`);
  } else {
    await bootstrap(folder, partial);
  }
  spawnSync('mv', [partial, root]);
}

/** @param {string} folder @param {keyof states} state @returns {string[]} its layers, the top one first */
function layersOf(folder, state) {
  const { from } = states[state];
  return [join(folder, state), ...(from ? layersOf(folder, from) : [])];
}

/** @param {string} folder @param {string} to where the root goes */
async function bootstrap(folder, to) {
  const work = join(folder, 'debootstrap');
  mkdirSync(work, { recursive: true });
  const apt = new PrivateApt();
  try {
    apt.useDistribution();
    apt.download(new Map([['debootstrap', apt.versions('debootstrap')[0].version]]), work);
    const archive = readdirSync(work).find((name) => name.endsWith('.deb')) ?? '';
    spawnSync('dpkg-deb', ['-x', join(work, archive), work]);
    const options = ['--variant=minbase', `--keyring=${keyring}`, suite, '/root-to-make', apt.main?.uris[0] ?? ''];
    const script = `DEBOOTSTRAP_DIR=${work}/usr/share/debootstrap sh ${work}/usr/sbin/debootstrap ${options.join(' ').replace('/root-to-make', '"$ROOT"')}`;
    mkdirSync(join(work, 'empty'), { recursive: true });
    const { status, output } = await inNamespace({ layers: [join(work, 'empty')], top: to, script, folder });
    if (status !== 0) throw new Error(`debootstrap failed: ${output.slice(-2000)}`);
  } finally {
    apt.close();
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Runs a shell script with $ROOT, an overlay, mounted, in namespaces that end with it.
 * @param {{ layers: string[], top: string, script: string, folder: string, offline?: boolean, timeout?: number,
 *   interactive?: boolean }} options
 */
async function inNamespace({ layers, top, script, folder, offline, timeout = 1_200_000, interactive }) {
  const root = join(folder, `mount-${process.pid}`);
  const work = `${top}.work`;
  for (const path of [root, top, work]) mkdirSync(path, { recursive: true });
  // Nothing here has to outlast a power cut: 'volatile' spares the many waits for the disk that package managers ask for.
  const options = `lowerdir=${layers.join(':')},upperdir=${top},workdir=${work}`;
  const mount = `mount -t overlay none -o ${options},volatile "$ROOT" || mount -t overlay none -o ${options} "$ROOT"`;
  const flags = ['--mount', '--pid', '--fork', '--kill-child', ...(offline ? ['--net'] : [])];
  const started = Date.now();
  const child = spawn('unshare', [...flags, 'sh', '-ec', `${mount}\n${script}`], {
    env: { ...process.env, ROOT: root, LC_ALL: 'C.UTF-8' },
    timeout,
    killSignal: 'SIGKILL',
    stdio: interactive ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text) => (stderr += text));
  const status = await new Promise((settle) => {
    child.once('error', (error) => {
      stderr += error.message;
      settle(null);
    });
    child.once('close', settle);
  });
  for (const path of [root, work]) rmSync(path, { recursive: true, force: true });
  return { status, stdout, stderr, output: `${stdout}${stderr}`, seconds: (Date.now() - started) / 1000 };
}

/** @param {string} text @returns {string} as one word for a shell */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Runs a command in /project of a root, with this Node and npm, and the machine's network and settings for it.
 * @param {{ folder: string, layers: string[], top: string, command: string, user?: boolean, offline?: boolean, timeout?: number,
 *   interactive?: boolean }} options `user`: not as root; `top`: where what it changes goes
 */
function enter({ user, command, ...options }) {
  const passed = ['http_proxy', 'https_proxy', 'no_proxy', 'NODE_EXTRA_CA_CERTS', 'TERM', 'CI'].filter(
    (name) => process.env[name],
  );
  const registry = spawnSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).stdout?.trim();
  const home = user ? '/home/someone' : '/root';
  const env = [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    `HOME=${home}`,
    ...(registry ? [`npm_config_registry=${registry}`] : []),
    ...passed.map((name) => `${name}=${process.env[name]}`),
  ];
  const script = `
    mount -t proc none "$ROOT/proc"
    mount -t tmpfs none "$ROOT/dev"
    for name in null zero full random urandom tty; do
      touch "$ROOT/dev/$name"; mount --bind "/dev/$name" "$ROOT/dev/$name"
    done
    mkdir -m 1777 "$ROOT/dev/shm"
    ln -s /proc/self/fd "$ROOT/dev/fd"
    if [ -d "$ROOT/project" ]; then
      mount --bind ${quoted(realpathSync(process.execPath))} "$ROOT/usr/local/bin/node"
      mount --bind ${quoted(npmFolder())} "$ROOT/usr/local/lib/node_modules/npm"
      mount --bind ${quoted(realpathSync(join(project, 'node_modules')))} "$ROOT/project/node_modules"
      mount -o remount,bind,ro "$ROOT/project/node_modules"
    fi
    ${user ? `mkdir -p "$ROOT${home}"; chown -R 1000:1000 "$ROOT${home}"; find "$ROOT/project" -path "$ROOT/project/node_modules" -prune -o -exec chown -h 1000:1000 {} +` : ''}
    cd /
    exec chroot ${user ? '--userspec=1000:1000 --groups=1000' : ''} "$ROOT" env -i ${env.map(quoted).join(' ')} sh -c ${quoted(`cd /project 2>/dev/null; ${command}`)}`;
  return inNamespace({ ...options, script });
}

/**
 * Runs a command in a fresh copy of a root.
 * @param {string} folder that has the roots
 * @param {keyof states} state
 * @param {{ command: string, prepare?: (root: string) => void, user?: boolean, offline?: boolean, timeout?: number, top?: string,
 *   interactive?: boolean }} options `prepare` changes the root before: it is given the folder of a layer
 */
export async function runIn(folder, state, { prepare, top, ...options }) {
  await makeRoot(folder, state);
  const prepared = join(folder, `prepared-${process.pid}`);
  const changed = top ?? join(folder, `top-${process.pid}`);
  mkdirSync(prepared, { recursive: true });
  try {
    prepare?.(prepared);
    const layers = [prepared, join(folder, 'tools'), ...layersOf(folder, state)];
    const result = await enter({ folder, layers, top: changed, ...options });
    return { ...result, changes: filesUnder(changed).filter((file) => !ownPlace.test(file)) };
  } finally {
    rmSync(prepared, { recursive: true, force: true });
    if (!top) rmSync(changed, { recursive: true, force: true });
  }
}

/** Where set-up, npm and Mesa (its cache of shaders) may write; /dev and the user's folder are this file's doing. */
const ownPlace = /^(project|tmp|var\/tmp|dev)\/|^(root|home\/someone)\/\.(npm|cache)\//;

/** @param {string} folder @returns {string[]} all in it but folders, whiteouts of an overlay included */
function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path).map((file) => join(entry.name, file)) : [entry.name];
  });
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [folder, state, ...rest] = process.argv.slice(2);
  const command = rest.filter((word) => !/^--(user|offline)$/.test(word)).join(' ') || 'bash';
  const reason = whyNoRoots();
  if (!folder || !Object.hasOwn(states, state ?? '') || reason) {
    console.error(
      reason ??
        `usage: node ${relative('.', process.argv[1])} FOLDER ${Object.keys(states).join('|')} [--user] [--offline] [COMMAND]`,
    );
    process.exit(2);
  }
  mkdirSync(folder, { recursive: true });
  makeTools(folder);
  const flags = { user: rest.includes('--user'), offline: rest.includes('--offline') };
  const top = join(folder, `${basename(state)}.top`);
  process.exitCode = (await runIn(folder, state, { command, top, interactive: true, ...flags })).status ?? 1;
}
