/** How a pre-training went: its loss, what it logs as accuracy, and the kNN accuracy of its features, epoch by epoch. */
import { type Chart, lineChart, type Point } from '../report/plot.ts';
import type { PretrainingResult } from './experiment_results.ts';

const named = (runs: readonly PretrainingResult[], seed: number, name: string) =>
  runs.length > 1 ? `${name}, seed ${seed}` : name;

interface Captioned {
  readonly name: string;
  readonly caption: string;
  readonly chart: Promise<Chart>;
}

/** What the charts of a method call its loss and its accuracy; NT-Xent is in nats, and so are other losses that have a chance. */
const chartWords = (method: string) =>
  method === 'simclr'
    ? {
        loss: 'contrastive loss',
        unit: 'NT-Xent / nat',
        chance: 'all embeddings equal: log(2N−1)',
        accuracy: 'contrastive accuracy',
        means: ': how often the other view of the same image is the most similar one',
      }
    : { loss: 'loss', unit: `loss of ${method}`, chance: 'chance', accuracy: 'accuracy', means: '' };

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1);

export function pretrainingCharts(runs: readonly PretrainingResult[], method: string): Captioned[] {
  const words = chartWords(method);
  const x = { label: 'epoch' };
  const series = (name: string, value: (epoch: PretrainingResult['epochs'][number]) => number | undefined) =>
    runs.map(({ seed, epochs }) => ({
      name: named(runs, seed, name),
      points: epochs.flatMap((epoch): Point[] => {
        const y = value(epoch);
        return y === undefined ? [] : [[epoch.epoch, y]];
      }),
    }));
  const { chance } = runs[0].epochs[0];
  const knn = series('kNN accuracy of the features', ({ knn }) => (knn === undefined ? undefined : 100 * knn))
    .map(({ name, points }, i) => {
      const { untrainedKnn } = runs[i];
      return { name, points: untrainedKnn === undefined ? points : [[0, 100 * untrainedKnn] as const, ...points] };
    })
    .filter(({ points }) => points.length > 0);
  const accuracy = series(words.accuracy, ({ accuracy }) =>
    accuracy === undefined ? undefined : 100 * accuracy,
  ).filter(({ points }) => points.length > 0);
  const loss = {
    name: 'pretraining-loss',
    caption: `${capital(words.loss)}, the mean over each epoch.`,
    chart: lineChart({
      title: `Pre-training: ${words.loss}`,
      x,
      y: { label: words.unit },
      series: series('loss', ({ loss }) => loss),
      ...(chance !== undefined && {
        reference: { name: `${words.chance} = ${chance.toFixed(3)}`, y: chance },
        yRange: [0, Math.ceil(chance * 1.1)] as const,
      }),
    }),
  };
  if (accuracy.length + knn.length === 0) return [loss];
  const isAlone = accuracy.length === 0;
  return [
    loss,
    {
      name: 'pretraining-accuracy',
      caption: isAlone
        ? 'Accuracy of nearest neighbours in the features, where it was measured.'
        : `${capital(words.accuracy)}${words.means}; and, where it was measured, the accuracy of nearest neighbours in the features.`,
      chart: lineChart({
        title: isAlone
          ? 'Pre-training: kNN accuracy'
          : `Pre-training: ${words.accuracy}${knn.length > 0 ? ', and kNN accuracy' : ''}`,
        x,
        y: { label: 'accuracy / %' },
        series: [...accuracy, ...knn],
        yRange: [0, 100],
      }),
    },
  ];
}
