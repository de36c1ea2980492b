import { join } from 'node:path';
import type { ExperimentEvents } from '../experiment/experiment.ts';
import { type ExperimentConfig, softwareSupervised, supervisedKey } from '../experiment/experiment_settings.ts';
import type { Results } from '../experiment/report_document.ts';
import { probeHead, probeRows, scheduled, tableHead, tableRows, verdict } from '../experiment/report_text.ts';
import type { DeviceTraits } from '../gpu/device.ts';
import { table } from '../report/tables.ts';
import { defaultsFor, type SettingName } from '../train/settings.ts';
import type { Terminal } from './terminal.ts';
import { percent, printEvents, scaleParts } from './train_output.ts';

/** Prints what will be done, and with which sizes where there is no GPU. */
export function announceExperiment(
  terminal: Terminal,
  traits: DeviceTraits,
  { pretrain, supervised, seeds, folds, checkpoint, images }: ExperimentConfig,
  out: string,
): void {
  terminal.line(`adapter    ${traits.adapter}`);
  terminal.line(`experiment ${out} (settings in ${join(out, 'experiment.json')})`);
  terminal.line(
    checkpoint === null
      ? `pretrain   ${scheduled(pretrain, images.pretrain)} of ${pretrain.batchSize} pairs a batch, ${pretrain.imageSize}×${pretrain.imageSize} pixels, τ ${pretrain.temperature}, ${pretrain.optimizer} ${pretrain.lr}, ${pretrain.precision}`
      : `pretrain   taken from ${checkpoint}`,
  );
  terminal.line(
    `models     ${supervised.epochs} epochs of ${supervised.batchSize} images a batch, ${supervised.optimizer} ${supervised.lr}, augmentation ${supervised.supervisedAugment}, batch norm of the frozen encoder ${supervised.frozenBn}, ${supervised.precision}`,
  );
  terminal.line(`seeds      ${seeds.join(', ')}${folds === null ? '' : `; folds ${folds.join(', ')}`}`);
  if (!traits.software) return;
  const small = defaultsFor({}, traits);
  const sizes = (Object.keys(small) as SettingName[])
    .filter((name) => checkpoint === null && pretrain[name] === small[name])
    .map((name) => `${name} ${pretrain[name]}`);
  const labelled = (Object.keys(softwareSupervised) as (keyof typeof softwareSupervised)[])
    .filter((name) => supervised[name] === softwareSupervised[name])
    .map((name) => `${supervisedKey(name)} ${supervised[name]}`);
  const shown = [...sizes, ...labelled].join(', ');
  if (shown === '') return;
  terminal.line(`note       no GPU here: smaller sizes, meant for a software adapter (${shown}); flags override them`);
}

/** Prints what an experiment tells: a line a stage, a line an epoch of its labelled stages. */
export function printExperiment(terminal: Terminal, { pretrain, supervised }: ExperimentConfig): ExperimentEvents {
  const width = String(supervised.epochs).length;
  return {
    onStage: ({ name, seed, fold, number, stages, finished }) => {
      const where = `seed ${seed}${fold === null ? '' : `, fold ${fold}`}`;
      terminal.line(`stage ${number}/${stages}  ${name}, ${where}${finished ? ': finished before' : ''}`);
    },
    pretraining: printEvents(terminal, pretrain),
    supervised: {
      onPipeline: (done, total) => terminal.progress('compiling', done, total),
      onFeatures: (done, total) => terminal.progress('features', done, total),
      onStep: ({ step, steps, loss }) => terminal.progress('step', step, steps, `loss ${loss.toFixed(3)}`),
      onEpoch: ({ epoch, trainLoss, trainAccuracy, testLoss, testAccuracy, lossScale, imagesPerSecond }) =>
        terminal.line(
          [
            `epoch ${String(epoch).padStart(width)}/${supervised.epochs}`,
            `train loss ${trainLoss.toFixed(4)} accuracy ${percent(trainAccuracy)}`,
            `test loss ${testLoss.toFixed(4)} accuracy ${percent(testAccuracy)}`,
            ...scaleParts(lossScale),
            `${imagesPerSecond.toFixed(1)} images/s`,
          ].join('  '),
        ),
    },
  };
}

/** Prints the table, what it says, and where the report is. */
export function printResults(terminal: Terminal, results: Results, out: string): void {
  terminal.clear();
  terminal.line();
  terminal.line(table(tableHead, tableRows(results.table, results.published)));
  terminal.line();
  terminal.line(table(probeHead, probeRows(results.runs)));
  terminal.line();
  for (const sentence of verdict(results)) terminal.line(sentence);
  terminal.line(`report     ${join(out, 'report.html')} and ${join(out, 'report.md')}`);
}
