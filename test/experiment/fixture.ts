/** Made-up numbers of an experiment with two seeds: what the report is tested with. */
import {
  findings,
  type LabelledRun,
  type LinearProbe,
  type ModelResult,
  modelNames,
  resultTable,
} from '../../src/experiment/experiment_results.ts';
import { planExperiment } from '../../src/experiment/experiment_settings.ts';
import { workOutLoss } from '../../src/experiment/figures_loss.ts';
import type { Pictures, Results } from '../../src/experiment/report_document.ts';
import { published } from '../../src/experiment/report_published.ts';
import { noise } from '../ops/harness.ts';

const epochs = 3;

function model(at: number): ModelResult {
  const values = noise(6 * epochs, at, 0.4, 0.5);
  const list = Array.from({ length: epochs }, (_, i) => {
    const [trainLoss, trainAccuracy, testLoss, testAccuracy, imagesPerSecond] = values.subarray(6 * i);
    return { epoch: i + 1, trainLoss, trainAccuracy, testLoss, testAccuracy, imagesPerSecond: 100 * imagesPerSecond };
  });
  const best = list.reduce((a, b) => (b.testAccuracy > a.testAccuracy ? b : a));
  return {
    classes: 10,
    parameters: 11181642,
    trained: 5130,
    epochs: list,
    last: list[epochs - 1],
    best,
    stepsPerEpoch: 4,
    encoder: { before: digests, after: digests },
    wallSeconds: 12.5,
  };
}

const digests = { weights: '0123456789abcdef', statistics: 'fedcba9876543210' };

function probe(at: number): LinearProbe {
  const [a, b, c, d] = noise(4, at, 0.4, 0.5);
  const [train, test] = [
    { loss: a, accuracy: b },
    { loss: c, accuracy: d },
  ];
  return { lambda: 0.1, tried: [], iterations: 7, converged: true, train, test };
}

export const runs = (seeds: readonly number[]): LabelledRun[] =>
  seeds.map((seed) => ({
    seed,
    fold: null,
    probes: { pretrained: probe(seed * 10 + 7), random: probe(seed * 10 + 8) },
    models: Object.fromEntries(modelNames.map((name, i) => [name, model(seed * 10 + i)])) as LabelledRun['models'],
  }));

export function fabricated(seeds: readonly number[] = [1, 2], compared = true): Results {
  const plan = planExperiment({ seeds, pretrain: { batchSize: 8 }, supervised: {} }, { software: false });
  const labelled = runs(seeds);
  const rows = ['disc 1', 'ring 1', 'disc 2', 'ring 2'];
  const stages = [0, 4, 8].map((step) => ({
    step,
    positives: 0.5 + step / 20,
    negatives: 0.4 - step / 30,
    similarity: Array.from(noise(256, step + 1)),
  }));
  const pretraining = seeds.map((seed) => ({
    seed,
    checkpoint: `runs/seed-${seed}.safetensors`,
    steps: 8,
    epochs: [1, 2].map((epoch) => ({
      epoch,
      step: 4 * epoch,
      loss: 2 / epoch + seed / 100,
      chance: Math.log(15),
      accuracy: 0.3 * epoch,
      imagesPerSecond: 40 + seed,
      ...(epoch === 2 && { knn: 0.25 }),
    })),
    untrainedKnn: 0.15,
    similarity: stages,
    seconds: 3.5,
    wallSeconds: 4.75,
  }));
  return {
    version: 1,
    description: 'a folder with <images> & labels',
    config: {
      ...{ version: 1, data: 'data', ...plan, images: { pretrain: 32, train: 20, test: 20 } },
      adapter: 'none',
      started: '2026-01-01T00:00:00.000Z',
    },
    pretraining,
    runs: labelled,
    table: resultTable(labelled),
    findings: findings(labelled, compared),
    majority: { class: 'disc', accuracy: 0.1, balanced: true },
    ...(compared && { published }),
    lossExample: { ...workOutLoss(noise(32, 5), rows, 0.5), kernelLoss: 1 },
  };
}

const picture = (seed: number) => Uint8Array.from(noise(8 * 8 * 3, seed, 127, 128));
const some = (count: number, seed: number) => Array.from({ length: count }, (_, i) => picture(seed + i));

export const pictures: Pictures = {
  samples: ['disc', 'ring'].map((name, i) => ({ name, images: some(3, 10 * i) })),
  augmentations: ['original', 'crop'].map((name, i) => ({
    name,
    note: i === 0 ? '' : '25 %',
    images: some(2, 30 + i),
  })),
  pairs: some(16, 50),
  lossViews: some(4, 70),
};
