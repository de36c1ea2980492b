import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { leaveWordToFirst, refuseSeveral } from '../src/cli/first_rank.ts';
import { messageOf, UserError } from '../src/errors.ts';
import { Gpu } from '../src/gpu/device.ts';
import { ensureWritableDir, writeFileAtomic } from '../src/io/files.ts';
import { printable } from '../src/io/printable.ts';
import { reportChart } from './chart.ts';
import { cases, peers } from './modules.ts';
import { type Report, reportSchema } from './report.ts';
import { describeReport } from './report_text.ts';
import { listRows, Session, type SessionOptions } from './session.ts';

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It is not a whole number of 1 or more.');
  return value;
}

const oneMore = (text: string, list: readonly string[] = []): readonly string[] => [...list, text];

/** For options that may be given more than once, each time with one of some names. */
const oneOf =
  (names: readonly string[]) =>
  (text: string, list: readonly string[] = []): readonly string[] => {
    if (!names.includes(text)) throw new InvalidArgumentError(`Allowed choices are ${names.join(', ')}.`);
    return [...list, text];
  };

interface Options {
  readonly op?: readonly string[];
  readonly shape?: readonly string[];
  readonly peer?: readonly string[];
  readonly pairs?: number;
  readonly imageSize?: number;
  readonly runs?: number;
  readonly variant?: string;
  readonly autotune?: boolean;
  readonly quick: boolean;
  readonly scaling: boolean;
  readonly list: boolean;
  readonly adapter?: string;
  readonly json?: string;
  readonly chart?: string;
}

function sessionOptions({ op, shape, quick, scaling, variant, ...options }: Options): SessionOptions {
  const peer = options.peer ?? ['tfjs'];
  if (peer.includes('none') && peer.length > 1)
    throw new UserError('--peer none cannot be combined with other --peer options', 2);
  if (options.list && scaling) throw new UserError('--list cannot be combined with --scaling', 2);
  const named = peer.filter((name) => name !== 'none' && name !== 'all');
  return {
    ops: op ?? cases,
    shapes: shape ?? [],
    peers: peer.includes('all') ? peers : named,
    demanded: scaling || !options.peer ? [] : named,
    pairs: options.pairs ?? (quick ? 2 : 8),
    imageSize: options.imageSize ?? (quick ? 32 : 96),
    runs: options.runs ?? (quick ? 3 : 5),
    ...{ quick, scaling, variant, autotune: options.autotune },
  };
}

/** Told before hours are spent on numbers that cannot be kept. */
function checkWritable(option: string, file: string | undefined): void {
  if (file === undefined) return;
  ensureWritableDir(dirname(file), option);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() === false)
    throw new UserError(`cannot write ${file}: it is not a regular file; choose another ${option}`, 2);
}

const writeReport = (file: string, report: Report): void =>
  void writeFileAtomic(file, `${JSON.stringify(reportSchema.parse(report), null, 2)}\n`);

async function run(options: Options): Promise<void> {
  refuseSeveral('a benchmark');
  const wanted = sessionOptions(options);
  if (options.list) {
    process.stdout.write(`${(await listRows(wanted)).join('\n')}\n`);
    return;
  }
  checkWritable('--json', options.json);
  checkWritable('--chart', options.chart);
  const gpu = await Gpu.open({ adapter: options.adapter });
  const { report, faults } = await Session.run(gpu, wanted, {
    progress: (text) => process.stderr.write(`${text}\n`),
    onRow: (rows) => options.json && writeReport(options.json, rows),
  });
  process.stdout.write(`${describeReport(report)}\n`);
  if (options.json) writeReport(options.json, report);
  if (options.chart && report.rows.length > 0) writeFileAtomic(options.chart, (await reportChart(report)).png);
  gpu.destroy();
  for (const fault of faults) process.stderr.write(`bench: ${fault}\n`);
  if (faults.length > 0) process.exitCode = 1;
}

const program = new Command('bench')
  .description('Times our kernels against other libraries on the same device, after comparing their results.')
  .addOption(new Option('--op <name>', 'what to time; may be repeated (default: all)').argParser(oneOf(cases)))
  .addOption(
    new Option('--shape <text>', 'only rows with this in their name, x for ×; may be repeated').argParser(oneMore),
  )
  .addOption(
    new Option(
      '--peer <name>',
      `library to compare with: ${[...peers, 'all', 'none'].join(', ')}; may be repeated (default: tfjs)`,
    ).argParser(oneOf([...peers, 'all', 'none'])),
  )
  .option('--quick', 'small shapes, fewer of them, fewer runs', false)
  .option('--scaling', 'how time and memory of a step and of NT-Xent grow with the batch', false)
  .option('--list', 'names of all rows, without measuring them', false)
  .option('--pairs <number>', 'pairs of views in a batch (default: 8, with --quick 2)', count)
  .option('--image-size <number>', 'height and width of a view (default: 96, with --quick 32)', count)
  .option('--runs <number>', 'timed samples of each, in turn (default: 5, with --quick 3)', count)
  .option('--variant <name>', 'kernel variant to use wherever an op has one of this name')
  .option('--autotune', 'use the kernel variants that are fastest on this device, measured once (default: on hardware)')
  .option('--no-autotune', 'use the kernel variants of a fixed table (default: on software adapters)')
  .option('--adapter <name>', 'part of the adapter’s name (default: the first one, hardware before software)')
  .option('--json <file>', 'write the report to this file, after each row')
  .option('--chart <file>', 'draw the times to this PNG file')
  .action(run);

try {
  await program.parseAsync();
} catch (error) {
  await leaveWordToFirst(error);
  if (!(error instanceof CommanderError))
    process.stderr.write(
      `bench: ${error instanceof UserError || !(error instanceof Error) ? printable(messageOf(error)) : error.stack}\n`,
    );
  process.exitCode = error instanceof UserError || error instanceof CommanderError ? error.exitCode : 1;
}
// Dawn keeps the process alive as long as its device is referenced.
process.exit();
