/** What `simclr compare` prints. */
import { join } from 'node:path';
import type { CompareEvents } from '../compare/comparison.ts';
import type { ComparisonConfig } from '../compare/config.ts';
import {
  costHead,
  costRows,
  freeHead,
  freeRows,
  labelledHead,
  labelledRows,
  troubles,
  verdict,
} from '../compare/report_text.ts';
import type { Results } from '../compare/results.ts';
import type { DeviceTraits } from '../gpu/device.ts';
import { counted } from '../io/counted.ts';
import type { Reached } from './experiment_reached.ts';
import type { Terminal } from './terminal.ts';
import { epochOf, imageRate, printEvents, stepDetails } from './train_output.ts';

/** Prints what will be done. */
export function announceComparison(
  terminal: Terminal,
  { adapter }: DeviceTraits,
  { rows, seeds, budget, images }: ComparisonConfig,
  out: string,
): void {
  terminal.line(`adapter    ${adapter}`);
  terminal.line(`comparison ${out}`);
  terminal.line(`rows       ${rows.map(({ label }) => label).join('; ')}`);
  terminal.line(
    `budget     ${counted(budget.amount, budget.kind.replace(/s$/, ''))} each, ${counted(images, 'image')}`,
  );
  if (seeds.length > 1) terminal.line(`seeds      ${seeds.join(', ')}`);
}

/** Prints what a comparison reports: a line a stage, those of its trainings, bars of its measures. */
export function printComparison(
  terminal: Terminal,
  { measuring }: ComparisonConfig,
  reached: Reached,
  signal: AbortSignal,
): CompareEvents {
  return {
    onStage: ({ name, label, seed, number, stages, finished }) => {
      reached.stage(number);
      terminal.line(`stage ${number}/${stages}  ${name} ${label}, seed ${seed}${finished ? ': finished before' : ''}`);
    },
    onFailed: (label, seed, message) => terminal.line(`failed     ${label}, seed ${seed}: ${message}`),
    training: (settings) => {
      const events = printEvents(terminal, settings);
      return {
        ...events,
        onStep(report) {
          reached.step(report.step);
          events.onStep?.(report);
        },
      };
    },
    timing: {
      onPipeline: (done, total) => terminal.progress('compiling', done, total),
      onTimed: (done, most) => terminal.progress('timing steps', done, most),
    },
    measuring: {
      onFeatures: (set, done, total) => {
        terminal.progress(`features (${set})`, done, total, { rate: imageRate });
        signal.throwIfAborted();
      },
      supervised: {
        onPipeline: (done, total) => terminal.progress('compiling', done, total),
        onStep: ({ epoch, step, steps, ...report }) => {
          reached.step(step);
          terminal.progress(
            `fine-tuning, ${epochOf(epoch, measuring.epochs)}`,
            step,
            steps,
            stepDetails(report, measuring.batchSize),
          );
        },
      },
    },
  };
}

/** Prints the tables, what they say, and where the report is. */
export function printComparisonResults(terminal: Terminal, results: Results, out: string): void {
  terminal.clear();
  const tables = [
    ...(results.labelled ? [[labelledHead(results), labelledRows(results)] as const] : []),
    [freeHead(results), freeRows(results)] as const,
    [costHead, costRows(results)] as const,
  ];
  for (const [head, rows] of tables) {
    terminal.line();
    terminal.table(head, rows);
  }
  terminal.line();
  for (const sentence of [...verdict(results), ...troubles(results)]) terminal.line(sentence);
  terminal.line(`encoders   folders in ${out}: each is a run for the --checkpoint of embed, export and eval`);
  terminal.line(`report     ${join(out, 'report.html')} and ${join(out, 'report.md')}`);
}
