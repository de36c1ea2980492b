import { Command, InvalidArgumentError, Option } from 'commander';
import { probeDefaults } from '../analysis/probe.ts';
import { PHOTO_FORMATS } from '../data/photo_names.ts';
import type { DataKind } from '../data/samples.ts';
import { UserError } from '../errors.ts';
import type { GivenEncoder } from '../train/encoder_file.ts';
import type { LogKind } from '../train/metrics_logs.ts';
import { flagOf } from '../train/settings.ts';
import { addDeviceOptions, type DeviceOptions } from './device.ts';
import { addExclude } from './options.ts';
import type { Terminal } from './terminal.ts';

/** What every `simclr eval` command is given. */
export interface EvalOptions extends DeviceOptions, GivenEncoder {
  readonly checkpoint: string;
  readonly data: string;
  readonly exclude?: readonly string[];
  readonly out?: string;
  readonly log?: readonly LogKind[];
  readonly cache?: string;
  /** These two only where features are computed. */
  readonly batchSize: number;
  readonly seed: number;
}

/** What an evaluation may need of the command line. */
export interface Tools {
  readonly out: string;
  readonly terminal: Terminal;
  /** From now on a signal lets the step under way be saved: aborted then. */
  readonly stopOnSignals: () => AbortSignal;
}

/** A parser of numbers in a range, for commander. */
export function numberIn(low: number, high: number, { whole = false } = {}): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= low && value <= high) || (whole && !Number.isInteger(value))) {
      throw new InvalidArgumentError(`Give a ${whole ? 'whole ' : ''}number from ${low} to ${high}.`);
    }
    return value;
  };
}

export const countFrom = (low: number): ((text: string) => number) => numberIn(low, 2 ** 31, { whole: true });

/** A parser of lists: `0.01,0.1`. Each number must be one that `one` takes, and there once. */
export function listOf(one: (text: string) => number): (text: string) => number[] {
  return (text) => {
    const values = text.split(',').map(one);
    if (new Set(values).size < values.length) throw new InvalidArgumentError('A number is listed twice.');
    return values;
  };
}

const positive = numberIn(Number.MIN_VALUE, 1e9);

/** Which encoder, what of it, and how images are prepared for it. */
export function addEncoder(command: Command): Command {
  return command
    .requiredOption(
      '--checkpoint <file>',
      'a checkpoint of a run or its folder (the newest one), an exported encoder or its folder, or torchvision’s resnet18, 34 or 50 (.safetensors)',
    )
    .option(
      '--from-head-layer <number>',
      'features: the output of the encoder (0), or of so many layers of its projection head, each with its batch norm and activation (SimCLR v2: 1; default: 0, or what an exported encoder ends with)',
      countFrom(0),
    )
    .option(
      '--image-size <number>',
      'height and width of images, if the encoder’s file does not record them (or to override it)',
      numberIn(16, 512, { whole: true }),
    )
    .addOption(
      new Option(
        '--normalize <name>',
        'normalisation of colours, if the file does not record it (or to override it)',
      ).choices(['imagenet', 'half', 'none']),
    );
}

const labelledData = `STL-10’s binary files, or a folder of photos (${PHOTO_FORMATS}) in class folders, optionally in train/ and test/`;

/** The same of evaluations that look at features alone. */
export const labelledAny = `${labelledData}; for an encoder of sequences WAV files or arrays (.npy) in class folders, for one of texts a table with a column label`;

interface NamedOptions {
  /** Whether `--data` must be given; the other folder is compared with it where it is. */
  readonly home?: boolean;
  /** What it is a folder of. */
  readonly data?: string;
  /** Whether features of all images are computed, which may be cached. */
  readonly features?: boolean;
}

/** A command with what all of them have. */
export function evalCommandNamed(
  name: string,
  description: string,
  { home = true, data = labelledData, features = true }: NamedOptions = {},
): Command {
  const command = addEncoder(new Command(name).description(description));
  if (home) command.requiredOption('--data <folder>', data);
  else command.option('--data <folder>', `${data}; compared with the other folder`);
  addExclude(command);
  addDeviceOptions(command);
  command.option(
    '--out <folder>',
    `folder for the results (default: eval/${name} in the checkpoint’s run, or next to it)`,
  );
  return features ? addFeatures(command) : command;
}

/** Images per batch where nobody says how many. */
export const featureBatch = 64;

const addFeatures = (command: Command): Command =>
  command
    .option(
      '--cache <folder>',
      'folder that caches features for the next evaluation (default: features/ next to --out)',
    )
    .option('--batch-size <number>', 'images per batch while computing features', countFrom(1), featureBatch)
    .option('--seed <number>', 'random seed', countFrom(0), 1);

export const addFolds = (command: Command): Command =>
  command.option('--folds', 'STL-10’s protocol: train on each of its ten folds; mean ± standard deviation');

/** What the linear probe is trained with. */
export interface ProbeFlags {
  readonly solver: 'lbfgs' | 'sgd';
  readonly l2?: readonly number[];
  readonly probeLr: readonly number[];
  readonly probeEpochs: number;
  readonly probeBatchSize: number;
  readonly probeMomentum: number;
  readonly holdOut: number;
}

export function addProbe(command: Command): Command {
  const { solver, l2, lr, epochs, batchSize, momentum, holdOut } = probeDefaults;
  return command
    .addOption(
      new Option('--solver <name>', 'lbfgs: minimises loss + λ/2 ‖W‖² exactly; sgd: Nesterov momentum, cosine schedule')
        .choices(['lbfgs', 'sgd'])
        .default(solver),
    )
    .option(
      '--l2 <numbers>',
      `candidate values of λ, selected on a held-out part of train (default: ${l2}; with sgd 0)`,
      listOf(numberIn(0, 1e9)),
    )
    .addOption(
      new Option('--probe-lr <numbers>', 'candidate learning rates of sgd, selected on a held-out part of train')
        .argParser(listOf(positive))
        .default(lr, lr.join()),
    )
    .option('--probe-epochs <number>', 'epochs of sgd', countFrom(1), epochs)
    .option('--probe-batch-size <number>', 'batch size of sgd', countFrom(1), batchSize)
    .option('--probe-momentum <number>', 'momentum of sgd', numberIn(0, 0.9999), momentum)
    .option(
      '--hold-out <share>',
      'fraction of each training class held out for the selection',
      numberIn(0.01, 0.9),
      holdOut,
    );
}

export const probeOptions = (flags: ProbeFlags & { readonly seed: number }) => ({
  solver: flags.solver,
  l2: flags.l2 ?? (flags.solver === 'sgd' ? [0] : probeDefaults.l2),
  lr: flags.probeLr,
  epochs: flags.probeEpochs,
  batchSize: flags.probeBatchSize,
  momentum: flags.probeMomentum,
  holdOut: flags.holdOut,
  seed: flags.seed,
});

/**
 * Refuses what was given and would do nothing beside the rest.
 * @throws UserError which options, and what to do
 */
export function refuseIdle(command: Command): void {
  const given = command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli');
  const flags = (pattern: RegExp) => given.map(({ long }) => long!).filter((long) => pattern.test(long));
  const refuse = (idle: readonly string[], reason: string) => {
    if (idle.length > 0) throw new UserError(`${idle.join(', ')}: ${reason}`, 2);
  };
  const { solver, l2, probeLr, finetune, consistency } = command.opts<
    Partial<ProbeFlags> & { finetune?: boolean; consistency?: number | string }
  >();
  if (solver === 'lbfgs') refuse(flags(/^--probe-/), 'only used with --solver sgd; add it, or omit this');
  if (solver === 'sgd' && l2 && l2.length > 1) {
    refuse([`--l2 ${l2}`], '--solver sgd takes one λ and chooses among learning rates (--probe-lr); give one');
  }
  const candidates = solver === 'sgd' ? probeLr : (l2 ?? probeDefaults.l2);
  if (solver && candidates?.length === 1) {
    const [what, flag] = solver === 'sgd' ? ['learning rate', '--probe-lr'] : ['λ', '--l2'];
    refuse(flags(/^--hold-out$/), `with one ${what} nothing is chosen; give several with ${flag}, or omit this`);
  }
  const tunes = command.options.some((option) => option.attributeName() === 'finetune');
  if (tunes && !finetune)
    refuse(
      flags(/^--(finetune-.*|augment|precision|freeze-stages|consistency.*|signal-annealing)$/),
      'only used with --finetune; add it, or omit this',
    );
  if (!Number(consistency ?? 0))
    refuse(
      flags(/^--(consistency-.*|signal-annealing)$/),
      'only used with --consistency above 0; add it, or omit this',
    );
}

/**
 * UserError (usage): options that were given for an encoder of sequences or texts, and only say something of images or of files that have
 * them.
 */
export function refuseOfImages(kind: Exclude<DataKind, 'images'>, command: Command): void {
  const ofImages = ['fromHeadLayer', 'imageSize', 'normalize', 'cache', 'split'];
  const idle = ofImages.filter((name) => command.getOptionValueSource(name) === 'cli');
  if (idle.length === 0) return;
  throw new UserError(
    `${idle.map(flagOf).join(', ')}: the encoder takes ${kind}, which have no use for it; omit it`,
    2,
  );
}
