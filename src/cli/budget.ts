/** `--minutes`: how long a run takes, where neither its steps nor its epochs are given. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Dataset } from '../data/dataset.ts';
import type { SampleSet } from '../data/samples.ts';
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { counted } from '../io/counted.ts';
import { fitToBudget } from '../train/budget.ts';
import { type Circumstances, enoughSteps, isShort, isSized, shortMinutes, smallerSizes } from '../train/recipe.ts';
import { flagOf, type GivenSettings, parseSettings, type TrainSettings } from '../train/settings.ts';
import type { Terminal } from './terminal.ts';

export interface BudgetOptions {
  readonly minutes?: number;
}

/** Adds `--minutes`. */
export const addBudget = (command: Command): Command =>
  command.option(
    '--minutes <number>',
    `train as many steps as fit into this time, set-up included (default: ${shortMinutes} without a GPU or on the sample set, unless --steps or --epochs is given)`,
    minutesFrom,
  );

/** A parser for commander. */
export function minutesFrom(text: string): number {
  const minutes = Number(text);
  if (text.trim() === '' || !(minutes > 0 && minutes < Infinity))
    throw new InvalidArgumentError('Give a number above 0.');
  return minutes;
}

/** UserError: the length of a run is given twice, or that of a run that has one. */
export function checkBudget(options: BudgetOptions & { readonly resume?: string }, given: GivenSettings): void {
  if (options.minutes === undefined) return;
  const other = (['steps', 'epochs'] as const).filter((name) => given[name] !== undefined).map(flagOf);
  if (options.resume !== undefined) other.push('--resume');
  if (other.length > 0) throw new UserError(`--minutes cannot be combined with ${other.join(' and ')}`, 2);
}

/** The minutes that a run is to take; undefined where its length is given as steps or epochs, or is the published one. */
export const minutesOf = ({ minutes }: BudgetOptions, given: GivenSettings, where: Circumstances): number | undefined =>
  minutes ?? (isSized(given, where) ? shortMinutes : undefined);

/** Measures the device and sizes the run; says what was measured. The minutes count from the start of this process. */
export async function sizeRun(
  gpu: Gpu,
  dataset: Dataset<SampleSet>,
  settings: TrainSettings,
  given: GivenSettings,
  minutes: number,
  where: Circumstances,
  terminal: Terminal,
): Promise<TrainSettings> {
  const free = (sizes: Partial<TrainSettings>) => Object.keys(sizes).every((name) => !(name in given));
  const sized = await fitToBudget(gpu, dataset, settings, {
    secondsLeft: () => 60 * minutes - performance.now() / 1000,
    smaller: isShort(where) ? smallerSizes.filter((sizes) => free(sizes) && areSound(settings, sizes)) : [],
    enough: enoughSteps,
    onPipeline: (done, total) => terminal.progress('compiling', done, total),
    onTimed: (done, most) => terminal.progress('timing steps', done, most),
  });
  terminal.clear();
  const { steps, batchSize } = sized.settings;
  const smaller = batchSize < settings.batchSize ? ` of ${counted(batchSize, 'image')}` : '';
  terminal.line(
    `note       ${rate(sized.pace.stepSeconds)} here; ${counted(steps, 'step')}${smaller} ${steps === 1 ? 'fits' : 'fit'} ${counted(minutes, 'minute')} (--minutes, --steps or --epochs override)`,
  );
  return sized.settings;
}

/** Whether nothing contradicts the sizes: parts of a batch that would have one image, say. */
function areSound(settings: TrainSettings, sizes: Partial<TrainSettings>): boolean {
  try {
    parseSettings({ ...settings, ...sizes });
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

const rate = (stepSeconds: number): string => `${Number((1 / stepSeconds).toPrecision(2))} steps/s`;
