import type { DeviceTraits } from '../gpu/device.ts';
import { formatBytes } from '../report/tables.ts';
import type { ScaleReport, TrainEvents } from '../train/events.ts';
import { defaultsFor, settingNames, type TrainSettings } from '../train/settings.ts';
import type { Terminal } from './terminal.ts';

/** Prints every setting of a run before it starts. */
export function announce(
  terminal: Terminal,
  traits: DeviceTraits,
  settings: TrainSettings,
  given: Partial<TrainSettings>,
  path: string,
): void {
  terminal.line(`adapter    ${traits.adapter}`);
  terminal.line(`run        ${path}`);
  const shown = settingNames.map((name) => `${name} ${settings[name]}`);
  for (let i = 0; i < shown.length; i += 6)
    terminal.line(`${i === 0 ? 'settings   ' : '           '}${shown.slice(i, i + 6).join(', ')}`);
  const small = (['imageSize', 'batchSize', 'steps'] as const).filter(
    (name) => given[name] === undefined && defaultsFor(given, traits)[name] === settings[name],
  );
  if (traits.software && small.length > 0) {
    const sizes = small.map((name) => `${name} ${settings[name]}`).join(', ');
    terminal.line(
      `note       no GPU here: smaller sizes, meant for a software adapter (${sizes}); flags override them`,
    );
  }
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Parts of an epoch's line: the loss scale, where there is one. */
export const scaleParts = (lossScale: ScaleReport | undefined): string[] =>
  lossScale ? [`loss scale ${lossScale.scale} (${lossScale.skipped} steps skipped)`] : [];

/** Prints what a run tells: a line an epoch, a bar within it. */
export function printEvents(terminal: Terminal, settings: TrainSettings): TrainEvents {
  const width = String(settings.epochs).length;
  return {
    onDamaged: (message) => terminal.line(`note       ${message}; an older checkpoint is looked for`),
    onPipeline: (done, total) => terminal.progress('compiling', done, total),
    onReady: ({ parameters, peakBytes, stepsPerEpoch, steps, resumedAt }) => {
      terminal.line(
        `model      ${parameters.toLocaleString('en-US')} parameters, ${formatBytes(peakBytes)} on the GPU`,
      );
      terminal.line(
        `steps      ${stepsPerEpoch} an epoch, ${steps} in all${resumedAt > 0 ? `, resuming after step ${resumedAt}` : ''}`,
      );
    },
    onStep: ({ step, steps, loss, accuracy }) =>
      terminal.progress('step', step, steps, `loss ${loss.toFixed(3)} accuracy ${percent(accuracy)}`),
    onEpoch: ({ epoch, epochs, loss, chance, accuracy, lr, imagesPerSecond, memory, lossScale, knn }) =>
      terminal.line(
        [
          `epoch ${String(epoch).padStart(width)}/${epochs}`,
          `loss ${loss.toFixed(4)} (log(2N−1) ${chance.toFixed(4)}, τ ${settings.temperature}, N ${settings.batchSize})`,
          `contrastive accuracy ${percent(accuracy)}`,
          ...(knn === undefined ? [] : [`kNN ${percent(knn)}`]),
          `lr ${lr.toPrecision(3)}`,
          ...scaleParts(lossScale),
          `${imagesPerSecond.toFixed(1)} images/s`,
          formatBytes(memory),
        ].join('  '),
      ),
    onUntrained: (knn) => terminal.line(`kNN        ${percent(knn)} with untrained features`),
    onFigure: (step, positives, negatives) =>
      terminal.line(
        `figures    step ${step}: similarity of positives ${positives.toFixed(3)}, of negatives ${negatives.toFixed(3)}`,
      ),
  };
}
