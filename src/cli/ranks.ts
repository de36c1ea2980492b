/** A command that several processes run together, started by mpirun or srun. */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../errors.ts';
import { listAdapters } from '../gpu/adapters.ts';
import { shareText } from '../mpi/communicator.ts';
import { launchOf } from '../mpi/launch.ts';
import { MpiWorld } from '../mpi/world.ts';
import { flagOf, type GivenSettings } from '../train/settings.ts';
import { precedence } from './first_rank.ts';
import { reportError } from './report_error.ts';
import { Terminal } from './terminal.ts';
import type { TrainOptions } from './train_data.ts';

/** The processes, and which of those on this machine this one is. */
export interface Team {
  readonly ranks: MpiWorld;
  readonly localRank: number;
}

/**
 * Runs `work` in every process that a launcher has started, or in this one alone (`undefined`). A process that fails says why and ends
 * all others: they would wait for it.
 */
export async function withRanks(work: (team: Team | undefined) => Promise<void>): Promise<void> {
  const launch = launchOf();
  if (!launch) return work(undefined);
  const world = await MpiWorld.join(launch);
  try {
    await work({ ranks: world, localRank: launch.localRank });
  } catch (error) {
    if (world.rank > 0) await sleep(precedence);
    const code = reportError(error, `rank ${world.rank}: `);
    world.abort(code);
    process.exit(code);
  }
  await world.finish();
}

/** Whether this process prints, evaluates and writes. */
export const leads = (team: Team | undefined): boolean => !team || team.ranks.rank === 0;

/** A path that the first process finds, in all of them. */
export async function pathOfFirst(team: Team | undefined, find: () => string): Promise<string> {
  if (team && !leads(team)) return shareText(team.ranks);
  const path = find();
  if (team) await shareText(team.ranks, resolve(path));
  return path;
}

/** Only the first of several processes prints. */
export const terminalOf = (team: Team | undefined): Terminal =>
  leads(team) ? new Terminal() : new Terminal({ write: () => true });

/** UserError (usage): what is measured or printed of one process only. */
export function checkTeamOptions(options: TrainOptions, given: GivenSettings): void {
  const idle = (['dryRun', 'minutes'] as const).filter((name) => options[name] !== undefined);
  if (idle.length > 0)
    throw new UserError(`${idle.map(flagOf).join(', ')}: only for a process by itself; start it without mpirun`, 2);
  const measured = options.resume === undefined && !options.profile;
  if (measured && given.steps === undefined && given.epochs === undefined)
    throw new UserError('several processes cannot measure how many steps fit a time; give --epochs or --steps', 2);
}

/**
 * The adapter of this process: `--adapter` may list several with commas between, of which each process of a machine takes the next. An
 * adapter whose name has the commas comes first.
 */
export async function adapterOf(wanted: string | undefined, team: Team | undefined): Promise<string | undefined> {
  if (!team || !wanted?.includes(',')) return wanted;
  const names = await listAdapters();
  if (names.some((name) => name.toLowerCase().includes(wanted.toLowerCase()))) return wanted;
  const listed = wanted.split(',').map((name) => name.trim());
  return listed[team.localRank % listed.length];
}

/** Where a process works. */
interface Place {
  readonly host: string;
  readonly adapter: string;
}

/** What processes tell each other of themselves before they train. */
interface Introduction extends Place {
  readonly images: number;
  readonly digest: string;
}

/**
 * Prints which process has which device.
 * @throws UserError, the same on all: some have other data than rank 0
 */
export async function introduce({ ranks }: Team, own: Omit<Introduction, 'host'>, terminal: Terminal): Promise<void> {
  const told = await ranks.collect(JSON.stringify({ host: hostname(), ...own } satisfies Introduction));
  const all = told.map((text) => JSON.parse(text) as Introduction);
  const other = all.findIndex(({ images, digest }) => images !== all[0].images || digest !== all[0].digest);
  if (other > 0)
    throw new UserError(
      `rank ${other} on ${all[other].host} has other data (${all[other].images} samples) than rank 0 on ${all[0].host} (${all[0].images}); give all the same files under --data`,
    );
  printPlaces(all, 'share each batch', terminal);
}

/** Prints which process has which device where they share no batches but a set of images, or of what else there is. */
export async function introduceDevices({ ranks }: Team, adapter: string, terminal: Terminal): Promise<void> {
  const told = await ranks.collect(JSON.stringify({ host: hostname(), adapter } satisfies Place));
  printPlaces(
    told.map((text) => JSON.parse(text) as Place),
    'compute the features together',
    terminal,
  );
}

function printPlaces(all: readonly Place[], what: string, terminal: Terminal): void {
  terminal.line(`ranks      ${all.length} processes ${what}`);
  const places = all.map(({ host, adapter }) => `${host}: ${adapter}`);
  for (const place of new Set(places)) {
    const members = places.flatMap((one, rank) => (one === place ? [rank] : []));
    const together = members.length > 1 ? ', which they share' : '';
    terminal.line(`           rank${members.length > 1 ? 's' : ''} ${members.join(', ')} on ${place}${together}`);
  }
}
