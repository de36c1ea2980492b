import { describe, expect, it } from 'vitest';
import {
  findings,
  type LabelledRun,
  modelNames,
  resultTable,
  statistic,
} from '../../src/experiment/experiment_results.ts';
import {
  checkContinues,
  checkGiven,
  type GivenExperiment,
  planExperiment,
} from '../../src/experiment/experiment_settings.ts';
import { workOutLoss } from '../../src/experiment/figures_loss.ts';
import { duration, runCount, scheduled, verdict } from '../../src/experiment/report_text.ts';
import { trace, variable } from '../../src/graph/trace.ts';
import { ntXent } from '../../src/losses/nt_xent.ts';
import { decimal } from '../../src/report/numbers.ts';
import { noise } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { fabricated, runs } from './fixture.ts';

const nothing: GivenExperiment = { pretrain: {}, supervised: {} };
const gpu = { software: false };

describe('the table', () => {
  it('has the last epoch of one run as it is, without a deviation', () => {
    const [run] = runs([1]);
    for (const row of resultTable([run])) {
      expect(row.testAccuracy).toEqual({ mean: run.models[row.model].last.testAccuracy, deviation: null });
      expect(row.bestEpochs).toEqual([run.models[row.model].best.epoch]);
    }
  });

  it('has mean and sample deviation of several runs; differences are those of the same run', () => {
    expect(statistic([2, 4, 9])).toEqual({ mean: 5, deviation: Math.sqrt((9 + 1 + 16) / 2) });
    const three = runs([1, 2, 3]);
    const row = resultTable(three).find(({ model }) => model === 'transfer')!;
    const differences = three.map(({ models }) => models.transfer.last.testLoss - models.baseline.last.testLoss);
    expect(row.testLossDifference).toEqual(statistic(differences));
  });

  it('says whether transfer > frozen > baseline, from the numbers', () => {
    const withAccuracies = (accuracies: readonly number[], probed = [0.7123, 0.4]) => {
      const [run] = runs([1]);
      const models = modelNames.map((name, i) => {
        const last = { ...run.models[name].last, testAccuracy: accuracies[i] };
        return [name, { ...run.models[name], last }] as const;
      });
      const at = (accuracy: number) => ({ ...run.probes.random, test: { loss: 1, accuracy } });
      const probes = { pretrained: at(probed[0]), random: at(probed[1]) };
      return [{ ...run, probes, models: Object.fromEntries(models) as typeof run.models }];
    };
    const published = withAccuracies([0.504, 0.6748, 0.7574, 0.3]);
    const found = findings(published, true);
    expect(found).toMatchObject({ asPublished: true, order: ['transfer', 'frozen', 'baseline'] });
    const majority = { class: 'disc', accuracy: 0.1, balanced: true };
    const say = (runs: readonly LabelledRun[], compared = true) =>
      verdict({ table: resultTable(runs), findings: findings(runs, compared), majority });
    expect(say(published)[0]).toMatch(
      /^The published order holds: .*transfer 75.74 %.*transfer − frozen \+8.26 points/,
    );
    expect(say(published)[1]).toMatch(
      /probe of the pre-trained encoder reaches 71.23 % .* of a random encoder 40.00 %: pre-training is worth \+31.23 points/,
    );
    const other = withAccuracies([0.5, 0.4, 0.6, 0.45], [0.4, 0.45]);
    const [order, worth] = say(other);
    expect(order).toMatch(/does not hold here: best is transfer 60.00 %, then baseline 50.00 %, then frozen 40.00 %/);
    expect(worth).toContain('worth −5.00 points');
    const [own, , baseline] = say(other, false);
    expect(own).toMatch(
      /^Best on the test images is transfer 60.00 %, then baseline 50.00 %, then frozen 40.00 % \(transfer/,
    );
    expect(findings(other, false)).not.toHaveProperty('asPublished');
    expect(baseline).toBe("Always answering 'disc' is right for 10.00 % of the test images.");
    const equal = withAccuracies([0.5, 0.5, 0.6, 0.5]);
    expect(findings(equal, true).asPublished).toBe(false);
  });

  it('tells how many runs of which kind, and how much was trained', () => {
    const grid = [1, 2].flatMap((seed) => [0, 1, 2].map((fold) => ({ seed, fold })));
    expect(runCount(grid)).toBe('6 runs: 2 seeds × 3 folds');
    expect(runCount(runs([1, 2]))).toBe('2 runs');
    const settings = { epochs: 100, steps: 375, batchSize: 32 };
    expect(scheduled(settings, 3000)).toBe('375 steps (4 epochs)');
    expect(scheduled(settings, 320)).toBe('375 steps (37.5 epochs)');
    expect(scheduled({ ...settings, steps: 0 }, 320)).toBe('100 epochs');
    expect(scheduled({ ...settings, epochs: 10 }, 320)).toBe('10 epochs');
    expect([-0.0001, -1.25, 2].map((value) => decimal(value, 2))).toEqual(['0.00', '−1.25', '2.00']);
  });

  it('tells durations', () => {
    expect([12.34, 83, 4025].map(duration)).toEqual(['12.3 s', '1 min 23 s', '1 h 7 min']);
  });
});

describe('the worked example of the loss', () => {
  const rows = ['a 1', 'b 1', 'a 2', 'b 2'];

  it('gives the values known for orthogonal pairs', () => {
    const z = Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1);
    expect(workOutLoss(z, rows, 0.5).loss).toBeCloseTo(0.2395448, 7);
    expect(workOutLoss(z, rows, 1).loss).toBeCloseTo(0.5514447, 7);
    expect(workOutLoss(z, rows, 0.1).loss).toBeCloseTo(9.0796e-5, 9);
  });

  it('is the loss of the float64 reference, and its parts add up', () => {
    const z = noise(4 * 16, 3, 2);
    const temperature = Math.fround(0.07); // as kernels have it
    const example = workOutLoss(z, rows, temperature);
    const { graph, result } = trace(() =>
      ntXent(
        variable('z', [4, 16], () => z),
        { temperature },
      ),
    );
    expect(example.loss).toBeCloseTo(interpret(graph).get(result.loss)![0], 12);
    example.probabilities.forEach((row, i) => {
      expect(row.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
      expect(row[i]).toBe(0);
      expect(-Math.log(row[(i + 2) % 4])).toBeCloseTo(example.losses[i], 10);
      expect(example.cosines[i][i]).toBeCloseTo(1, 12);
    });
  });
});

describe('settings', () => {
  it('are those of the published experiment by default, for pre-training and for the models', () => {
    const { pretrain, supervised, seeds, folds } = planExperiment(nothing, gpu);
    expect(pretrain).toMatchObject({ epochs: 100, batchSize: 256, lr: 1e-3, weightDecay: 1e-4, embeddingDim: 128 });
    expect(supervised).toMatchObject({ epochs: 100, batchSize: 256, lr: 1e-3, weightDecay: 1e-4, optimizer: 'adam' });
    expect({ seeds, folds }).toEqual({ seeds: [1], folds: null });
  });

  it('of images and network are shared; those of training are given apart', () => {
    const given = { pretrain: { imageSize: 32, epochs: 3, seed: 4 }, supervised: { epochs: 7, lr: 0.01 } } as const;
    const { pretrain, supervised, seeds } = planExperiment(given, gpu);
    expect(pretrain).toMatchObject({ imageSize: 32, epochs: 3, lr: 1e-3 });
    expect(supervised).toMatchObject({ imageSize: 32, epochs: 7, lr: 0.01, seed: 4 });
    expect(seeds).toEqual([4]);
  });

  it('are smaller on a software adapter, unless they were given', () => {
    const small = planExperiment({ ...nothing, supervised: { batchSize: 64 } }, { software: true });
    expect(small.pretrain.imageSize).toBeLessThan(96);
    expect(small.supervised.epochs).toBeLessThan(100);
    expect(small.supervised.batchSize).toBe(64);
  });

  it('that contradict each other are refused', () => {
    expect(() => checkGiven({ ...nothing, checkpoint: 'a', pretrain: { epochs: 3, lr: 1 } })).toThrow(
      /omit --epochs, --lr$/,
    );
    expect(() => checkGiven({ ...nothing, seeds: [1, 2], pretrain: { seed: 3 } })).toThrow(/omit --seed$/);
    expect(() => checkGiven({ ...nothing, seeds: [1, 1] })).toThrow(/twice/);
    expect(() => planExperiment({ ...nothing, supervised: { epochs: 0 } }, gpu)).toThrow(/--supervised-epochs/);
  });

  it('of an experiment that goes on are its own: others are named', () => {
    const { config } = fabricated();
    const same = { seeds: [1, 2], pretrain: { batchSize: 8 }, supervised: { epochs: 100 } };
    expect(() => checkContinues('out', same, config)).not.toThrow();
    expect(() => checkContinues('out', nothing, config)).not.toThrow();
    const other = { seeds: [1], folds: [0], pretrain: { lr: 1 }, supervised: { frozenBn: 'batch' } } as const;
    expect(() => checkContinues('out', other, config)).toThrow(
      'out: holds an experiment with --seeds 1,2, --folds not given, --lr 0.001, --frozen-bn eval; ',
    );
  });
});
