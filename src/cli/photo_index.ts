/** What commands share that ask an index of all photos of a folder: its options, and how it is opened. */
import { join } from 'node:path';
import { Command } from 'commander';
import { PHOTO_FORMATS } from '../data/photo_names.ts';
import { Evaluation } from '../eval/evaluation.ts';
import { type PhotoIndex, photoIndex } from '../eval/photo_index.ts';
import type { GivenEncoder } from '../train/encoder_file.ts';
import { checkpointFile, printEncoder, printLeftOut, printSkipped } from './common.ts';
import { addDeviceOptions, chooseKernels, type DeviceOptions, openAdapter } from './device.ts';
import { addEncoder, countFrom, featureBatch } from './eval_options.ts';
import { eventsOf, homeOf } from './eval_run.ts';
import { addExclude } from './options.ts';
import { reopening, repeatable } from './reopen.ts';
import { Terminal } from './terminal.ts';

export interface IndexOptions extends DeviceOptions, GivenEncoder {
  readonly checkpoint: string;
  readonly data: string;
  readonly exclude?: readonly string[];
  readonly cache?: string;
  readonly batchSize: number;
  readonly json?: boolean;
  readonly out?: string;
}

/** A command with the options that all of them have. */
export function indexCommand(name: string, description: string): Command {
  const command = addEncoder(new Command(name).description(description)).requiredOption(
    '--data <folder>',
    `a folder of photos (${PHOTO_FORMATS}), nested or not`,
  );
  addExclude(command);
  addDeviceOptions(command);
  return command
    .option(
      '--cache <folder>',
      'folder of the index: the features of all photos, of which only new and changed ones are computed (default: eval/features in the checkpoint’s run, or next to it)',
    )
    .option('--batch-size <number>', 'images per batch while computing features', countFrom(1), featureBatch)
    .option('--json', 'print the result as JSON, and everything else to stderr');
}

/** Where a command prints what is not its result. */
export const notesTerminal = ({ json }: Pick<IndexOptions, 'json'>): Terminal =>
  json ? new Terminal(process.stderr) : new Terminal();

/** Brings the index of a folder up to date, says what that took, and asks it. UserError: as `photoIndex`, or no encoder of images. */
export async function askIndex<R>(
  options: IndexOptions,
  terminal: Terminal,
  ask: (evaluation: Evaluation, index: PhotoIndex) => Promise<R>,
): Promise<R> {
  const { data, fromHeadLayer, imageSize, normalize, batchSize, exclude } = options;
  const checkpoint = checkpointFile(options.checkpoint, terminal);
  const cache = options.cache ?? join(homeOf(checkpoint), 'eval', 'features');
  const events = eventsOf(terminal, cache, () => undefined, 'images');
  const work = async (gpu: Parameters<typeof Evaluation.open>[0]): Promise<R> => {
    chooseKernels(gpu, options, terminal);
    const given = { checkpoint, fromHeadLayer, imageSize, normalize, batchSize, cache, exclude, events };
    const evaluation = Evaluation.open(gpu, given);
    try {
      printEncoder(evaluation.file, terminal);
      const index = await photoIndex(evaluation, data);
      terminal.clear();
      printIndex(data, index, terminal);
      return await ask(evaluation, index);
    } finally {
      evaluation.destroy();
    }
  };
  return reopening(await openAdapter(options.adapter), repeatable(work), options, terminal);
}

function printIndex(data: string, index: PhotoIndex, terminal: Terminal): void {
  const { photos, skipped, changes, file } = index;
  terminal.line(`index      ${file}: ${changes}`);
  printLeftOut(index, terminal);
  printSkipped([{ name: data, count: photos.length, skipped }], terminal);
}
