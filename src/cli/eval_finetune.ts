/** Flags and tools of the evaluations that train the whole encoder. */
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Evaluation } from '../eval/evaluation.ts';
import type { FinetuneSettings } from '../eval/finetune.ts';
import { softwareSupervised } from '../experiment/experiment_settings.ts';
import { checkPrecision } from '../ops/precision.ts';
import { consistencyMetrics } from '../ssl/consistency.ts';
import { accuracy } from '../ssl/metrics.ts';
import { flagOf } from '../train/settings.ts';
import { parseSupervisedSettings, supervisedSettings } from '../train/supervised.ts';
import type { EvalOptions, Tools } from './eval_options.ts';
import { addLog, addSetting } from './options.ts';
import { epochOf, stepDetails } from './train_output.ts';

/** Settings of a training of the whole encoder that can be given; the rest is the encoder's, or the default. */
const tuned = [
  'epochs',
  'optimizer',
  'lr',
  'weightDecay',
  'momentum',
  'schedule',
  'warmupEpochs',
  'supervisedAugment',
  'precision',
  'freezeStages',
  'layerDecay',
  'consistency',
  'consistencyRatio',
  'consistencyTemperature',
  'consistencyThreshold',
  'signalAnnealing',
] as const;

/** Those of which flags have no other name. */
const asTheyAre = /^(precision|freezeStages|layerDecay|consistency.*|signalAnnealing)$/;

/** `lr` → `finetuneLr` */
const keyOf = (name: string): string => {
  if (asTheyAre.test(name)) return name;
  return name === 'supervisedAugment' ? 'augment' : `finetune${name[0].toUpperCase()}${name.slice(1)}`;
};

export function addFinetune(command: Command): Command {
  for (const name of [...tuned, 'batchSize'] as const) {
    addSetting(command, supervisedSettings.shape[name], flagOf(keyOf(name)));
  }
  return addLog(command).addHelpText('after', `\nWithout a GPU the defaults are ${sizesOf(softwareSupervised)}.`);
}

/** What was given of them, under the names of `supervisedSettings`. */
const finetuneSettings = (flags: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    [...tuned, 'batchSize']
      .filter((name) => flags[keyOf(name)] !== undefined)
      .map((name) => [name, flags[keyOf(name)]]),
  );

const sizesOf = (sizes: Readonly<Record<string, number>>): string =>
  Object.entries(sizes)
    .map(([name, value]) => `${flagOf(keyOf(name))} ${value}`)
    .join(', ');

/**
 * A training of the whole encoder, its progress on the terminal. A signal saves; the same command goes on. Without a GPU it has the
 * sizes of the experiment's models there, and says so.
 */
export function trainingTools(
  { state: { gpu }, file: { imageSize } }: Evaluation,
  flags: EvalOptions,
  { out, terminal, stopOnSignals }: Tools,
): FinetuneSettings {
  const given = finetuneSettings(flags as unknown as Record<string, unknown>);
  const small: Readonly<Record<string, number>> = gpu.traits.software ? softwareSupervised : {};
  const all = { ...small, ...given, seed: flags.seed };
  const supervised = parseSupervisedSettings(all, undefined, (name) => flagOf(keyOf(name)));
  checkPrecision(supervised, gpu.traits);
  const metrics = { accuracy, ...consistencyMetrics };
  const shown = Object.fromEntries(Object.entries(small).filter(([name]) => given[name] === undefined));
  if (Object.keys(shown).length > 0) {
    terminal.line(`note       no GPU: small defaults (${sizesOf(shown)}; images of ${imageSize}×${imageSize})`);
  }
  return {
    supervised,
    folder: join(out, 'trainings'),
    signal: stopOnSignals(),
    log: flags.log,
    onTraining: (name) => terminal.line(`training   ${name}`),
    events: {
      onPipeline: (done, total) => terminal.progress('compiling', done, total),
      onStep: ({ epoch, step, steps, ...report }) =>
        terminal.progress(
          epochOf(epoch, supervised.epochs),
          step,
          steps,
          stepDetails(report, supervised.batchSize, metrics),
        ),
    },
  };
}
