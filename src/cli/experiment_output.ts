import { join } from 'node:path';
import type { ExperimentEvents } from '../experiment/experiment.ts';
import { experimentFlags } from '../experiment/experiment_flags.ts';
import { modelNames } from '../experiment/experiment_results.ts';
import { type ExperimentConfig, pretrainDefaults, softwareSupervised } from '../experiment/experiment_settings.ts';
import type { Results } from '../experiment/report_document.ts';
import { probeHead, probeRows, scheduled, tableHead, tableRows, verdict } from '../experiment/report_text.ts';
import type { DeviceTraits } from '../gpu/device.ts';
import { counted } from '../io/counted.ts';
import type { Terminal } from './terminal.ts';
import { epochOf, imageRate, percent, printEvents, printFlags, scaleParts, stepDetails } from './train_output.ts';

/** Prints what will be done, and with which sizes where there is no GPU. */
export function announceExperiment(
  terminal: Terminal,
  traits: DeviceTraits,
  config: ExperimentConfig,
  out: string,
): void {
  terminal.line(`adapter    ${traits.adapter}`);
  terminal.line(`experiment ${out}`);
  printFlags(terminal, experimentFlags(config, traits));
  const { pretrain, supervised, seeds, folds, checkpoint, images } = config;
  const { batchSize, imageSize } = pretrain;
  terminal.line(
    checkpoint === null
      ? `pre-train  ${scheduled(pretrain, images.pretrain)} of ${counted(batchSize, 'image')} at ${imageSize}×${imageSize}`
      : `pre-train  none: encoder of ${checkpoint}`,
  );
  terminal.line(
    `models     ${modelNames.length}, ${counted(supervised.epochs, 'epoch')} of ${counted(supervised.batchSize, 'image')} per batch`,
  );
  if (seeds.length > 1) terminal.line(`seeds      ${seeds.join(', ')}`);
  if (folds !== null) terminal.line(`folds      ${folds.join(', ')}`);
  if (!traits.software) return;
  const small = pretrainDefaults({}, traits);
  const isSmall =
    supervised.batchSize === softwareSupervised.batchSize ||
    (checkpoint === null && (batchSize === small.batchSize || imageSize === small.imageSize));
  if (isSmall) terminal.line('note       no GPU: default sizes are small, to suit a software adapter');
}

/** Prints what an experiment reports: a line a stage, a line an epoch of its labelled stages. */
export function printExperiment(terminal: Terminal, { pretrain, supervised }: ExperimentConfig): ExperimentEvents {
  return {
    onStage: ({ name, seed, fold, number, stages, finished }) => {
      const where = `seed ${seed}${fold === null ? '' : `, fold ${fold}`}`;
      terminal.line(`stage ${number}/${stages}  ${name}, ${where}${finished ? ': finished before' : ''}`);
    },
    pretraining: printEvents(terminal, pretrain),
    supervised: {
      onPipeline: (done, total) => terminal.progress('compiling', done, total),
      onFeatures: (done, total) => terminal.progress('features', done, total, { rate: imageRate }),
      onStep: ({ epoch, step, steps, ...report }) =>
        terminal.progress(epochOf(epoch, supervised.epochs), step, steps, stepDetails(report, supervised.batchSize)),
      onEpoch: ({ epoch, trainLoss, trainAccuracy, testLoss, testAccuracy, lossScale, imagesPerSecond }) =>
        terminal.line(
          [
            epochOf(epoch, supervised.epochs),
            `loss ${trainLoss.toFixed(3)} (test ${testLoss.toFixed(3)})`,
            `acc ${percent(trainAccuracy)} (test ${percent(testAccuracy)})`,
            ...scaleParts(lossScale),
            imageRate(imagesPerSecond),
          ].join('  '),
        ),
    },
  };
}

/** Prints the table, what it says, and where the report is. */
export function printResults(terminal: Terminal, results: Results, out: string): void {
  terminal.clear();
  terminal.line();
  terminal.table(tableHead, tableRows(results.table, results.published));
  terminal.line();
  terminal.table(probeHead, probeRows(results.runs));
  terminal.line();
  for (const sentence of verdict(results)) terminal.line(sentence);
  terminal.line(`report     ${join(out, 'report.html')} and ${join(out, 'report.md')}`);
}
