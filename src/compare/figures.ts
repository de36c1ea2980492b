/** The figures of a comparison: nearest neighbours over images seen, each loss on its own scale, maps of the features. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Block } from '../report/document.ts';
import { lineChart, type Point } from '../report/plot.ts';
import { chartGrid, pointMaps } from '../report/plot_grid.ts';
import { ofPng } from '../report/plot_svg.ts';
import type { Results, RowResult, Trained } from './results.ts';

const lossSize = { width: 440, height: 320 } as const;

type Trainings = { readonly row: RowResult; readonly trainings: readonly { seed: number; trained: Trained }[] };

/** @param out the comparison's folder, in which those of the runs lie */
export async function comparisonFigures(
  results: Results,
  out: string,
): Promise<{ curves: Block[]; maps: Block[]; pictures: Block[] }> {
  const rows = results.rows
    .map((row) => ({
      row,
      trainings: row.runs.flatMap(({ seed, trained }) => (trained ? [{ seed, trained }] : [])),
    }))
    .filter(({ trainings }) => trainings.length > 0);
  const curves = [...(await knnBlock(rows)), ...(await lossBlock(rows))];
  return { curves, maps: await mapBlock(results), pictures: pictureBlocks(results, out) };
}

/** The last pictures of each method's own task, of the first seed. */
const pictureBlocks = ({ rows }: Results, out: string): Block[] =>
  rows.flatMap(({ label, runs }, row) => {
    const [first] = runs.filter(({ trained }) => trained);
    return (first?.trained?.pictures ?? []).map((file, i): Block => {
      const png = readFileSync(join(out, first.folder, file));
      const caption = `${label}: ${basename(file).replace(/-step-\d+\.png$/, '')}, after the training.`;
      return { kind: 'figure', name: `pictures-${row}-${i}`, caption, chart: ofPng(png) };
    });
  });

const imagesOf = ({ settings }: Trained, step: number): number => step * settings.batchSize;

/** Means over the seeds, at the steps at which all of them looked. */
function knnCurve(trainings: Trainings['trainings']): Point[] {
  const looks = trainings.map(
    ({ trained }) =>
      new Map(trained.curve.flatMap(({ step, knn }) => (knn === undefined ? [] : [[imagesOf(trained, step), knn]]))),
  );
  const common = [...looks[0].keys()].filter((at) => looks.every((curve) => curve.has(at)));
  return common.map((at) => [at, (100 * looks.reduce((sum, curve) => sum + curve.get(at)!, 0)) / looks.length]);
}

async function knnBlock(rows: readonly Trainings[]): Promise<Block[]> {
  const series = rows
    .map(({ row, trainings }) => ({ name: row.label, points: knnCurve(trainings) }))
    .filter(({ points }) => points.length > 0);
  if (series.length === 0) return [];
  const several = Math.max(...rows.map(({ trainings }) => trainings.length)) > 1;
  const untrained = series[0].points[0][0] === 0 ? series[0].points[0][1] : undefined;
  const chart = await lineChart({
    title: 'Nearest neighbours in the features',
    x: { label: 'images seen' },
    y: { label: 'test accuracy / %' },
    series,
    ...(untrained !== undefined && { reference: { name: 'untrained', y: untrained } }),
  });
  const caption = `Accuracy of nearest neighbours while training${several ? ', the mean over the seeds' : ''}, on the images that each run looks at as it goes (--knn-images); the table has that of all measured images.`;
  return [{ kind: 'figure', name: 'knn', caption, chart }];
}

async function lossBlock(rows: readonly Trainings[]): Promise<Block[]> {
  const charts = [];
  for (const { row, trainings } of rows) {
    const series = trainings.map(({ seed, trained }) => ({
      name: `seed ${seed}`,
      points: trained.curve.flatMap(({ step, loss }): Point[] =>
        loss === undefined ? [] : [[imagesOf(trained, step), loss]],
      ),
    }));
    const { chance } = trainings[0].trained;
    charts.push(
      await lineChart({
        title: row.label,
        x: { label: 'images seen' },
        y: { label: 'loss' },
        series,
        size: lossSize,
        ...(chance !== undefined && { reference: { name: `chance ${chance.toFixed(2)}`, y: chance } }),
      }),
    );
  }
  if (charts.length === 0) return [];
  const caption =
    'The loss of each training, the mean over each epoch, on a scale of its own: losses of different methods, batch sizes or temperatures cannot be compared.';
  return [{ kind: 'figure', name: 'losses', caption, chart: await chartGrid(charts, lossSize, 2) }];
}

async function mapBlock({ rows, mapLabels, labelled }: Results): Promise<Block[]> {
  const maps = rows.flatMap(({ label, runs }) => {
    const coordinates = runs.find(({ measures }) => measures?.map)?.measures?.map;
    if (!coordinates) return [];
    const points = Array.from(
      { length: coordinates.length / 2 },
      (_, i) => [coordinates[2 * i], coordinates[2 * i + 1]] as const,
    );
    return [{ title: label, points }];
  });
  if (maps.length === 0) return [];
  const count = maps[0].points.length.toLocaleString('en-US');
  const caption = `t-SNE of the features of the same ${count} images${labelled ? ' of the test set, coloured by class' : ''}, of the first seed. Distances between far groups, and the place and size of a group, have no meaning.`;
  const chart = await pointMaps('t-SNE of the features', maps, mapLabels, labelled?.classNames ?? []);
  return [{ kind: 'figure', name: 'tsne', caption, chart }];
}
