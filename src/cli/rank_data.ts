/** The data of a run whose batches several processes share: in one folder for all, or in one of its own for each. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Dataset } from '../data/dataset.ts';
import { kindOf, type SampleSet } from '../data/samples.ts';
import { unite } from '../data/united.ts';
import { UserError } from '../errors.ts';
import { methodNamed } from '../methods/index.ts';
import { shareText } from '../mpi/communicator.ts';
import { seesOthers, wantsCaptions } from '../train/learner.ts';
import type { RunConfig } from '../train/run_config.ts';
import type { TrainSettings } from '../train/settings.ts';
import { leads, type Team } from './ranks.ts';
import type { Terminal } from './terminal.ts';
import { openTrainingData } from './train_data.ts';

/** What the first process decides, for all. */
export interface Decided {
  /** In which `{rank}` may stand for the number of a process. */
  readonly data: string;
  readonly exclude?: readonly string[] | undefined;
  readonly captions?: string | true | undefined;
  readonly settings: TrainSettings;
  /** Of the run. */
  readonly folder: string;
}

/** In `--data`, the number of a process. */
const mark = '{rank}';

/** Whether each process has a folder of its own. */
const areApart = (data: string, team: Team | undefined): team is Team => team !== undefined && data.includes(mark);

/** The folder of this process. UserError (usage): one for each process is meant, and there is only one process. */
export function folderOf(data: string, team: Team | undefined): string {
  if (areApart(data, team)) return data.replaceAll(mark, String(team.ranks.rank));
  if (!data.includes(mark) || existsSync(data)) return data;
  throw new UserError(
    `--data ${data}: ${mark} stands for the number of each process, and this one runs by itself; start it with mpirun or srun, or give one folder`,
    2,
  );
}

/** UserError (usage): what is learnt needs pixels or texts that only another process has. */
function checkApart(data: string, settings: TrainSettings): void {
  const method = methodNamed(settings.method);
  const kind = kindOf(method);
  const reasons = [
    kind !== 'images' && `learns from ${kind}`,
    wantsCaptions(settings) && 'learns its tokens from the captions of all images',
    seesOthers(settings) && 'makes views of images that other processes may have',
    method.readsImages && 'looks at pixels of all images before it begins',
  ];
  const why = reasons.find((reason) => typeof reason === 'string');
  if (why === undefined) return;
  throw new UserError(
    `--data ${data}: folders of their own for all processes are not for ${method.name}, which ${why}; give one folder for all`,
    2,
  );
}

/** UserError (usage): a run whose processes have folders of their own goes on with as many, which have the same. */
export function checkProcesses(path: string, data: string, { parts }: RunConfig, team: Team | undefined): void {
  const size = team?.ranks.size ?? 1;
  if (parts && parts.length !== size)
    throw new UserError(
      `${path}: ${parts.length} processes have its images in folders of their own, and now there ${size === 1 ? 'is one' : `are ${size}`}; resume it with ${parts.length}`,
      2,
    );
  const was = parts !== undefined;
  if (was !== areApart(data, team))
    throw new UserError(
      `${path}: was started with ${was ? 'a folder for each process' : 'one folder for all processes'}; give --data ${was ? `with ${mark}` : `without ${mark}`}, or omit it`,
      2,
    );
}

/** Opens the data of a run in all processes: the first tells the others what it has decided, and they open the same. */
export async function openForAll(
  team: Team | undefined,
  decided: Decided,
  terminal: Terminal,
): Promise<Dataset<SampleSet>> {
  const { data, exclude, captions, settings, folder } = decided;
  const folders = areApart(data, team);
  if (folders) checkApart(data, settings);
  const told = { ...decided, data: resolve(data), folder: resolve(folder) };
  if (team && leads(team)) await shareText(team.ranks, JSON.stringify(told satisfies Decided));
  const dataset = await openTrainingData(folderOf(data, team), { ...settings, exclude, captions }, terminal);
  if (!folders) return dataset;
  const united = await unite(dataset as Dataset, team.ranks, data);
  terminal.line(`           ${united.description}`);
  return united;
}
