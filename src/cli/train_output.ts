import { type DataKind, kindOf } from '../data/samples.ts';
import type { DeviceTraits } from '../gpu/device.ts';
import { methodNamed } from '../methods/index.ts';
import { describeEncoder } from '../nn/encoder_shape.ts';
import { formatBytes, percentage } from '../report/numbers.ts';
import type { Learner, Metric } from '../ssl/method.ts';
import { accuracy } from '../ssl/metrics.ts';
import type { ScaleReport, StepReport, TrainEvents } from '../train/events.ts';
import { shortRecipe } from '../train/recipe.ts';
import { settingFlags } from '../train/setting_flags.ts';
import type { GivenSettings, TrainSettings } from '../train/settings.ts';
import type { ProgressDetails } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** Prints where and with which settings a run trains, before it starts. */
export function announce(
  terminal: Terminal,
  traits: DeviceTraits,
  settings: TrainSettings,
  given: GivenSettings,
  path: string,
): void {
  terminal.line(`adapter    ${traits.adapter}`);
  terminal.line(`run        ${path}`);
  printFlags(terminal, settingFlags(settings, traits));
  const small = (['imageSize', 'batchSize'] as const).filter(
    (name) => given[name] === undefined && shortRecipe[name] === settings[name],
  );
  if (traits.software && small.length > 0) {
    terminal.line('note       no GPU: small default sizes and a recipe for short runs');
  }
}

/** Prints the settings that differ from the defaults, as flags that can be pasted. */
export function printFlags(terminal: Terminal, flags: readonly string[]): void {
  if (flags.length === 0) terminal.line('settings   all defaults');
  else terminal.command('settings   ', flags);
}

export const percent = (share: number): string => percentage(share, 1);

/** 14.07 → `14.1 img/s`, 250.3 → `250 img/s`; of other data than images by their name. */
export const throughput = (perSecond: number, kind: DataKind = 'images'): string =>
  `${perSecond.toFixed(perSecond < 100 ? 1 : 0)} ${kind === 'images' ? 'img' : kind}/s`;

export const imageRate = (perSecond: number): string => throughput(perSecond);

/** `epoch  3/10`: as wide in every epoch. */
export const epochOf = (epoch: number, epochs: number): string =>
  `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`;

/** Parts of an epoch's line: the loss scale, where there is one. */
export const scaleParts = (lossScale: ScaleReport | undefined): string[] =>
  lossScale ? [`scale ${lossScale.scale} (${lossScale.skipped} skipped)`] : [];

/** Behind an accuracy: the mean over the classes, where it is a point away: a probe that draws its images is never quite even. */
const balancedPart = (accuracy: number, balanced: number): string =>
  Math.abs(accuracy - balanced) < 0.01 ? '' : ` (balanced ${percent(balanced)})`;

type Metrics = Learner['metrics'];

/** `acc 61.2 %`: what a method logs, by its labels; what it does not declare by its name. */
function metricParts(values: Readonly<Record<string, number>>, declared: Metrics, epoch?: Metric['epoch']): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const metric: Metric = declared?.[name] ?? { label: name, format: 'number', epoch: 'mean' };
    if (epoch !== undefined && metric.epoch !== epoch) return [];
    return [`${metric.label} ${metric.format === 'percent' ? percent(value) : value.toFixed(3)}`];
  });
}

/** What the bar of a training shows of a step of `batch` images: of what a method logs, that of which an epoch has means. */
export const stepDetails = (
  { loss, metrics }: Pick<StepReport, 'loss' | 'metrics'>,
  batch: number,
  declared: Metrics = { accuracy },
  kind?: DataKind,
): ProgressDetails => ({
  notes: [`loss ${loss.toFixed(3)}`, ...metricParts(metrics, declared, 'mean')],
  rate: (perSecond) => throughput(batch * perSecond, kind),
});

/** Before training: what guessing gives, and what to expect of what is logged. */
function printReferences(terminal: Terminal, { chance, metrics = {} }: Pick<Learner, 'chance' | 'metrics'>): void {
  if (chance) {
    const { loss, formula, accuracy, note } = chance;
    const guessed = accuracy === undefined ? '' : `, acc ${percent(accuracy)}`;
    terminal.line(`chance     loss ${formula} = ${loss.toFixed(3)}${guessed}${note === undefined ? '' : `: ${note}`}`);
  }
  for (const { label, note } of Object.values(metrics))
    if (note !== undefined) terminal.line(`${label.padEnd(11)}${note}`);
}

/** Prints what a pre-training reports: a line an epoch, and a bar. */
export function printEvents(terminal: Terminal, settings: TrainSettings): TrainEvents {
  const { batchSize, schedule, warmupEpochs, method } = settings;
  const kind = kindOf(methodNamed(method));
  const changesLr = schedule !== 'constant' || warmupEpochs > 0;
  let epochs = settings.epochs;
  let declared: Metrics;
  return {
    onDamaged: (message) => terminal.line(`note       ${message}; looking for an older checkpoint`),
    onPipeline: (done, total) => terminal.progress('compiling', done, total),
    onReady: ({ parameters, peakBytes, stepsPerEpoch, steps, resumedAt, learner }) => {
      declared = learner.metrics;
      epochs = Math.ceil(steps / stepsPerEpoch);
      const millions = (parameters / 1e6).toFixed(1);
      terminal.line(
        `model      ${learner.encoder.description ?? describeEncoder(settings)}, ${millions} million parameters; ${formatBytes(peakBytes)} of GPU memory`,
      );
      const resuming = resumedAt > 0 ? `, resuming after step ${resumedAt}` : '';
      terminal.line(`steps      ${steps} (${stepsPerEpoch} per epoch)${resuming}`);
      printReferences(terminal, learner);
    },
    onWarning: ({ message, remedy }) => {
      terminal.line(`warning    ${message}`);
      terminal.line(`           ${remedy}`);
    },
    onStep: ({ step, steps, epoch, ...report }) =>
      terminal.progress(epochOf(epoch, epochs), step, steps, stepDetails(report, batchSize, declared, kind)),
    onEpoch: ({ epoch, loss, metrics, lr, imagesPerSecond, lossScale, communication, knn, knnBalanced = knn }) => {
      terminal.line(
        [
          epochOf(epoch, epochs),
          `loss ${loss.toFixed(3)}`,
          ...metricParts(metrics, declared),
          ...(knn === undefined ? [] : [`kNN ${percent(knn)}${balancedPart(knn, knnBalanced!)}`]),
          ...(changesLr ? [`lr ${Number(lr.toPrecision(2))}`] : []),
          ...scaleParts(lossScale),
          throughput(imagesPerSecond, kind),
          ...(communication ? [`communication ${percent(communication.share)}`] : []),
        ].join('  '),
      );
      if (communication?.slowest !== undefined)
        terminal.line(
          `note       the other processes wait for rank ${communication.slowest}, which is slower than they are`,
        );
    },
    onUntrained: (knn, majority) =>
      terminal.line(`kNN        ${percent(knn)} before training; the most frequent class: ${percent(majority)}`),
    onFigure: (step, positives, negatives) =>
      terminal.line(
        `figures    step ${step}: similarity ${positives.toFixed(3)} of positives, ${negatives.toFixed(3)} of negatives`,
      ),
  };
}
