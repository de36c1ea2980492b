import { existsSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import type { Dashboard } from '../watch/server.ts';
import type { Watcher } from '../watch/watcher.ts';
import { Terminal } from './terminal.ts';

/** What is watched where no folder is given: `train` puts its runs there. */
const usual = 'runs';

interface Options {
  readonly port?: number;
}

/** `simclr watch`: a page that shows runs while they train. */
export const watchCommand = (): Command =>
  new Command('watch')
    .description('show runs in a browser while they train: curves, pictures, settings; on this machine only')
    .argument('[runs...]', `folders of runs, of experiments and comparisons, or of all of them (default: ${usual})`)
    .option('--port <number>', 'port of the page (default: any that is free)', parsePort)
    .addHelpText('after', '\nThe address that is printed has a secret part: whoever does not know it sees nothing.')
    .action(watch);

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text.trim()) && port >= 1 && port <= 65535) return port;
  throw new InvalidArgumentError('Give a number from 1 to 65535.');
}

async function watch(given: readonly string[], { port }: Options): Promise<void> {
  const terminal = new Terminal();
  const roots = given.length > 0 ? given : [usual];
  given.forEach(checkFolder);
  const { startDashboard, Watcher } = await import('../watch/index.ts');
  const watcher = new Watcher(roots);
  const runs = await watcher.find();
  if (given.length > 0) checkRuns(given, watcher);
  const dashboard = await startDashboard(watcher, port);
  terminal.line(`watching   ${roots.join(', ')}: ${runs > 0 ? counted(runs, 'run') : noRunYet}`);
  terminal.line(`page       ${dashboard.url}`);
  terminal.line(
    `elsewhere  from another machine: ssh -L ${dashboard.port}:127.0.0.1:${dashboard.port} ${hostname()}, then the same address`,
  );
  terminal.line('           Ctrl-C ends it; the runs go on');
  await endOnSignal(dashboard);
}

const noRunYet = 'no run yet; those that begin are shown';

/** UserError: what is to be watched is not there. */
function checkFolder(path: string): void {
  if (!existsSync(path)) throw new UserError(`${path}: no such folder; give a run, or a folder of runs`);
  if (!statSync(path).isDirectory())
    throw new UserError(`${path}: a file; give the folder of a run, or a folder of runs`);
}

/** UserError: a folder that was named holds no run. */
function checkRuns(given: readonly string[], watcher: Watcher): void {
  const empty = given.find((path) => !watcher.hasRunsIn(path));
  if (empty === undefined) return;
  throw new UserError(
    `${empty}: holds no run; give the folder of a run (with its config.json and metrics.jsonl), or one of such folders`,
  );
}

/** Returns when the process is asked to end. */
const endOnSignal = (dashboard: Dashboard): Promise<void> =>
  new Promise((done) => {
    const end = () => void dashboard.close().then(done);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  });
