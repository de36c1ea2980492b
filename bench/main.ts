import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { messageOf, UserError } from '../src/errors.ts';
import { Gpu } from '../src/gpu/device.ts';
import { measure } from './measure.ts';
import { describeReport, makeReport, reportSchema } from './report.ts';

/** `dist`: this file and the modules of cases and peers lie there side by side. */
const folder = dirname(fileURLToPath(import.meta.url));
const load = async (module: string): Promise<unknown> =>
  ((await import(pathToFileURL(join(folder, `${module}.js`)).href)) as { default: unknown }).default;

const cases = readdirSync(join(folder, 'cases')).map((file) => file.replace(/\.js$/, ''));
const peers = readdirSync(join(folder, 'peers'));

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It is not a whole number from 1 on.');
  return value;
}

interface Options {
  readonly op: string;
  readonly peer: string;
  readonly pairs: number;
  readonly imageSize: number;
  readonly runs: number;
  readonly adapter?: string;
  readonly json?: string;
}

async function run({ adapter, json, peer, ...settings }: Options): Promise<void> {
  const gpu = await Gpu.open({ adapter });
  const progress = (text: string) => process.stderr.write(`${text}\n`);
  const row = await measure(gpu, load, { ...settings, peers: peer === 'none' ? [] : [peer], progress });
  const report = reportSchema.parse(makeReport(gpu, [row]));
  process.stdout.write(`${describeReport(report)}\n`);
  if (json) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  gpu.destroy();
}

const program = new Command('bench')
  .description('Times our kernels against other libraries on the same device, after comparing their results.')
  .addOption(new Option('--op <name>', 'what to time').choices(cases).default('step'))
  .addOption(new Option('--peer <name>', 'library to compare with').choices([...peers, 'none']).default('tfjs'))
  .option('--pairs <number>', 'pairs of views in a batch', count, 8)
  .option('--image-size <number>', 'height and width of a view', count, 96)
  .option('--runs <number>', 'timed runs of each, in turn', count, 3)
  .option('--adapter <name>', 'part of the name of the adapter (default: the first, hardware before software)')
  .option('--json <file>', 'write the report there')
  .action(run);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(
    `bench: ${error instanceof UserError || !(error instanceof Error) ? messageOf(error) : error.stack}\n`,
  );
  process.exitCode = 1;
}
// Dawn keeps the process alive as long as its device is referenced.
process.exit();
