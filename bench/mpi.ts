/**
 * How training on several processes scales on this machine, and what it exchanges, beside what the cost model of docs/distributed.md says:
 *
 *   npm run bench:mpi -- --ranks 2,4
 */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { writeFileAtomic } from '../src/io/files.ts';
import { formatBytes } from '../src/report/numbers.ts';
import { table } from '../src/report/tables.ts';
import type { ExchangeCost } from '../src/ssl/rank_exchange.ts';
import type { Alone, RankReport, RankRequest } from './mpi_rank.ts';

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It is not a number above 0.');
  return value;
}

function count(text: string): number {
  if (!Number.isInteger(positive(text))) throw new InvalidArgumentError('It is not a whole number of 1 or more.');
  return Number(text);
}

interface Options extends RankRequest {
  readonly ranks: readonly number[];
  readonly json?: string;
}

const options = new Command('bench:mpi')
  .description('Times steps of SimCLR that 1, 2, 4 processes share, and what they exchange, on this machine.')
  .option('--ranks <list>', 'numbers of processes, beside 1', (text) => text.split(',').map(count), [2, 4])
  .option('--pairs <number>', 'images of a batch, a multiple of the processes', count, 32)
  .option('--image-size <number>', 'height and width of a view', count, 32)
  .option('--width <number>', 'of the ResNet-18', positive, 1)
  .option('--steps <number>', 'timed steps, after two others', count, 5)
  .option('--sync-batch-norm', 'batch norm by the images of all processes', false)
  .option('--adapter <name>', 'part of the adapter’s name (default: the first one)')
  .option('--json <file>', 'write what was found to this file')
  .parse()
  .opts<Options>();
const { ranks: counts, json, ...request } = options;

const program = join(dirname(fileURLToPath(import.meta.url)), 'mpi_rank.js');
const asRoot = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];
const flags = [...asRoot, '--oversubscribe', '--mca', 'btl_vader_single_copy_mechanism', 'none'];

function measured(processes: number): RankReport {
  const words = [process.execPath, program, JSON.stringify(request)];
  const all = processes === 1 ? words : ['mpirun', ...flags, '-n', String(processes), ...words];
  process.stderr.write(`${processes} ${processes === 1 ? 'process' : 'processes'}\n`);
  const { status, stdout, stderr, error } = spawnSync(all[0], all.slice(1), { encoding: 'utf8' });
  if (status === 0) return JSON.parse(stdout) as RankReport;
  process.stderr.write(`bench: ${error?.message ?? stderr.trim().split('\n').at(-1)}\n`);
  process.exit(1);
}

/** What the model has each process give in a step, in bytes. */
function modelled({ processes, gradients, embeddingDim }: RankReport): Readonly<Record<string, number>> {
  const views = 2;
  return { gradients: 4 * gradients, embeddings: (4 * views * request.pairs * embeddingDim) / processes };
}

const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 1);

function stepRows(reports: readonly RankReport[], one: RankReport): string {
  const rows = reports.map(({ processes, milliseconds, share }) => [
    String(processes),
    ms(milliseconds),
    (one.milliseconds / milliseconds).toFixed(2),
    `${(100 * share).toFixed(1)} %`,
  ]);
  return table(['processes', 'step, ms', 'times as fast as 1', 'exchange not hidden'], rows);
}

function exchangeRows(reports: readonly RankReport[]): string {
  const rows = reports.flatMap((report) =>
    Object.entries(report.costs).map(([kind, cost]: [string, ExchangeCost]) => {
      const per = (value: number) => value / request.steps;
      const model = modelled(report)[kind];
      return [
        `${report.processes}, ${kind}`,
        per(cost.calls).toFixed(0),
        formatBytes(per(cost.bytes)),
        model === undefined ? '-' : formatBytes(model),
        ms(1000 * per(cost.seconds)),
        ms(1000 * per(cost.exposed)),
      ];
    }),
  );
  return table(['processes, exchange', 'calls', 'bytes given', 'by the model', 'ms', 'not hidden'], rows);
}

/** t = 2 (R − 1) α + 2 (R − 1)/R · bytes/β of an all-reduce, without half of it of an all-gather of what each gives: from the least R. */
function modelOf({ processes: r, sums }: RankReport) {
  const [small, large] = [sums[0], sums.at(-1)!];
  const alpha = small.milliseconds / (2 * (r - 1));
  const beta = ((2 * (r - 1)) / r) * (large.bytes / Math.max(1e-6, large.milliseconds - small.milliseconds));
  return {
    alpha,
    beta,
    sum: (n: number, { bytes }: Alone) => 2 * (n - 1) * alpha + ((2 * (n - 1)) / n) * (bytes / beta),
    gather: (n: number, { bytes }: Alone) => (n - 1) * alpha + ((n - 1) * bytes) / beta,
  };
}

function aloneRows(reports: readonly RankReport[]): string {
  const several = reports.filter(({ processes }) => processes > 1);
  if (several.length === 0) return '';
  const model = modelOf(several[0]);
  const rows = several.flatMap(({ processes, sums, gathers }) =>
    sums.flatMap((sum, i) => [
      [`${processes}, all-reduce`, formatBytes(sum.bytes), ms(sum.milliseconds), ms(model.sum(processes, sum))],
      [
        `${processes}, all-gather`,
        formatBytes(gathers[i].bytes),
        ms(gathers[i].milliseconds),
        ms(model.gather(processes, gathers[i])),
      ],
    ]),
  );
  const fit = `α = ${model.alpha.toFixed(3)} ms and β = ${(model.beta / 1e6).toFixed(2)} GB/s, from the all-reduces of ${several[0].processes}`;
  return `${table(['processes, alone', 'each gives', 'ms', 'by the model'], rows)}\nmodel: ${fit}`;
}

const reports = [...new Set([1, ...counts])].map(measured);
const [one] = reports;
const { pairs, imageSize, width, syncBatchNorm } = request;
const parts = [
  `${one.adapter}, which all processes share; ${cpus()[0]?.model.trim()}, ${cpus().length} cores; ${new Date().toISOString()}, node ${process.version}`,
  `SimCLR, ResNet-18 of width ${width}, batch of ${pairs} images of ${imageSize} pixels${syncBatchNorm ? ', synchronised batch norm' : ''}; medians of ${request.steps} steps`,
  ...[stepRows(reports, one), exchangeRows(reports), aloneRows(reports)],
];
process.stdout.write(`${parts.filter((part) => part !== '').join('\n\n')}\n`);
if (json) writeFileAtomic(json, `${JSON.stringify({ request, reports }, null, 2)}\n`);
