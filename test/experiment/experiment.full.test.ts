/** A whole experiment of tiny sizes: stopped in every stage and called again, it is the one that was not stopped; and what is made of a finished one. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exemplar } from '../../docs/examples/exemplar.mjs';
import { type Dataset, openDataset } from '../../src/data/dataset.ts';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import { type ExperimentEvents, type ExperimentNumbers, runExperiment } from '../../src/experiment/experiment.ts';
import { modelNames } from '../../src/experiment/experiment_results.ts';
import { planExperiment } from '../../src/experiment/experiment_settings.ts';
import { writeReport } from '../../src/experiment/report.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { registerMethod } from '../../src/methods/index.ts';
import { simclr } from '../../src/methods/simclr.ts';
import { type GivenSettings, ownNames, parseSettings } from '../../src/train/settings.ts';
import { run, scratchFolder, start } from '../cli/run.ts';
import { adapters } from '../ops/harness.ts';
import { expectLogged } from '../tensorboard/read_events.ts';
import { configOf, flagsOf, given, images, lasting, linkFolder } from './tiny.ts';

const folder = scratchFolder();
const data = join(folder, 'data');
const out = (name: string) => join(folder, name);
const config = configOf(data);

let gpu: Gpu;
let dataset: Dataset;
let straight: ExperimentNumbers;

beforeAll(async () => {
  ensureSampleSet(data, images);
  gpu = await Gpu.open({ adapter: adapters[0] });
  dataset = await openDataset(data, { split: 'unlabeled', size: 16 });
  straight = await runExperiment(gpu, dataset, config, out('straight'), { log: ['tensorboard'] });
}, 600_000);
afterAll(() => gpu.destroy());

/** Runs until the second step of stage `number`, which is then stopped. Returns the stages that were told. */
async function stoppedIn(number: number, path: string): Promise<string[]> {
  const stop = new AbortController();
  const stages: string[] = [];
  let steps = 0;
  const onStep = () => {
    if (stages.length === number && ++steps === 2) stop.abort();
  };
  const events: ExperimentEvents = {
    onStage: ({ name, finished }) => stages.push(finished ? `${name} done` : name),
    pretraining: { onStep },
    supervised: { onStep },
  };
  const thrown = await runExperiment(gpu, dataset, config, path, events, stop.signal).catch((error: unknown) => error);
  expect(thrown).toBe(stop.signal.reason);
  return stages;
}

describe('an experiment', () => {
  it('that is stopped in each stage goes on where it was, and ends with the same numbers', async () => {
    const path = out('stopped');
    const names = ['pretrain', ...modelNames];
    for (let number = 1; number <= names.length; number++) {
      const stages = await stoppedIn(number, path);
      expect(stages).toEqual(names.slice(0, number).map((name, i) => (i < number - 2 ? `${name} done` : name)));
    }
    expect(lasting(await runExperiment(gpu, dataset, config, path))).toEqual(lasting(straight));
  }, 600_000);

  it('pre-trains with any method; its report leaves out what only SimCLR has', async () => {
    registerMethod(exemplar);
    const ofSimclr = new Set(ownNames(simclr));
    const names = Object.fromEntries(
      Object.entries(config.pretrain as GivenSettings).filter(([name]) => !ofSimclr.has(name)),
    );
    const own = { ...config, pretrain: parseSettings({ ...names, method: 'exemplar', epochs: 1, views: 2 }) };
    const path = out('exemplar');
    const numbers = await runExperiment(gpu, dataset, own, path);
    expect(numbers.pretraining[0]).toMatchObject({ steps: 4, similarity: [] });
    expect(numbers.pretraining[0].epochs[0].chance).toBeCloseTo(Math.log(16), 12);
    const results = await writeReport(gpu, dataset, own, numbers, path);
    expect(results.lossExample).toBeUndefined();
    const report = readFileSync(join(path, 'report.md'), 'utf8');
    expect(report).toContain('| method | exemplar |');
    expect(report).toMatch(/Accuracy; and, where it was measured, the accuracy of nearest neighbours/);
    expect(report).not.toMatch(/NT-Xent|ontrastive|The loss, worked out|similarities of the embeddings/);
  });

  it('takes folds and an encoder that is there', async () => {
    const [{ checkpoint, similarity, epochs }] = straight.pretraining;
    const folded = {
      ...config,
      checkpoint,
      folds: [3],
      supervised: { ...config.supervised, epochs: 1, batchSize: 4 },
    };
    const { runs, pretraining } = await runExperiment(gpu, dataset, folded, out('folds'));
    expect(runs.map(({ fold }) => fold)).toEqual([3]);
    expect(runs[0].models.frozen.last.trainLoss).not.toBe(straight.runs[0].models.frozen.epochs[0].trainLoss);
    // What is known of the checkpoint: its run's record, and the same pairs before and after.
    expect(pretraining[0].epochs).toEqual(epochs);
    expect(pretraining[0].similarity.map(({ step, positives }) => [step, positives])).toEqual(
      [similarity[0], similarity[2]].map(({ step, positives }) => [step, positives]),
    );
  });

  it('that is stopped in the middle of a probe’s fit keeps nothing of it, and ends with the same numbers', async () => {
    const path = out('unprobed');
    linkFolder(out('straight'), path);
    const file = join(path, 'seed-1', 'probe.json');
    rmSync(file);
    const stop = new AbortController();
    // The features of the second encoder are the last work of the device. After them a fit waits in each of its iterations.
    let encoders = 0;
    let turns = 3;
    const wait = () => (--turns > 0 ? setImmediate(wait) : stop.abort());
    const onFeatures = (done: number, total: number) => {
      if (done === total && ++encoders === 2) setImmediate(wait);
    };
    const stopped = runExperiment(gpu, dataset, config, path, { supervised: { onFeatures } }, stop.signal);
    expect(await stopped.catch((error: unknown) => error)).toBe(stop.signal.reason);
    expect({ turns, kept: existsSync(file) }).toEqual({ turns: 0, kept: false });
    expect((await runExperiment(gpu, dataset, config, path)).runs).toEqual(straight.runs);
  });

  it('whose probes had other λ to choose from gets them anew', async () => {
    const path = out('narrow');
    linkFolder(out('straight'), path);
    const file = join(path, 'seed-1', 'probe.json');
    const found = JSON.parse(readFileSync(file, 'utf8'));
    rmSync(file);
    const probes = { ...found.probes, random: { ...found.probes.random, lambda: 1e9 } };
    writeFileSync(file, JSON.stringify({ ...found, probes, origin: { ...found.origin, l2: [1, 0.1] } }));
    expect((await runExperiment(gpu, dataset, config, path)).runs).toEqual(straight.runs);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(found);
  });

  it('has all its trainings in TensorBoard too', () => {
    for (const stage of ['pretrain', ...modelNames]) expectLogged(join(out('straight'), 'seed-1', stage));
  });

  it('that has ended repeats nothing', async () => {
    const stages: boolean[] = [];
    const steps: unknown[] = [];
    const events: ExperimentEvents = {
      onStage: ({ finished }) => stages.push(finished),
      pretraining: { onStep: (step) => steps.push(step) },
      supervised: { onStep: (step) => steps.push(step) },
    };
    expect(await runExperiment(gpu, dataset, config, out('straight'), events)).toEqual(straight);
    expect({ stages, steps }).toEqual({ stages: [true, true, true, true, true, true], steps: [] });
  });

  it('trains what it says: transfer from the encoder, the heads alone on frozen ones', () => {
    const [{ models }] = straight.runs;
    expect(models.transfer.epochs[0].trainLoss).not.toBe(models.baseline.epochs[0].trainLoss);
    expect(models.frozen.epochs[0].trainLoss).not.toBe(models.random.epochs[0].trainLoss);
    expect(modelNames.map((name) => models[name].trained < 10_000)).toEqual([false, true, false, true]);
    expect(straight.pretraining[0].similarity.map(({ step }) => step)).toEqual([0, 4, 8]);
  });

  it('of a version without probes is completed: probes are made, nothing is trained, no wall time is invented', async () => {
    const path = out('older');
    linkFolder(out('straight'), path);
    rmSync(join(path, 'seed-1', 'probe.json'));
    const finished = join(path, 'seed-1', 'pretrain', 'finished.json');
    const { step } = JSON.parse(readFileSync(finished, 'utf8')) as { step: number };
    rmSync(finished);
    writeFileSync(finished, `{"step":${step}}\n`);
    const stages: boolean[] = [];
    const onStep = () => expect.fail('a step was run');
    const events: ExperimentEvents = {
      ...{ onStage: ({ finished: done }) => stages.push(done), pretraining: { onStep }, supervised: { onStep } },
    };
    const numbers = await runExperiment(gpu, dataset, config, path, events);
    expect(stages).toEqual([true, true, true, true, true, false]);
    expect(numbers.runs).toEqual(straight.runs);
    expect(numbers.pretraining[0].wallSeconds).toBeUndefined();
    expect(existsSync(join(path, 'seed-1', 'probe.json'))).toBe(true);
  });

  it('probes both encoders alike, and measures wall time', () => {
    const { pretrained, random } = straight.runs[0].probes;
    expect(pretrained.tried.length).toBe(random.tried.length);
    expect(pretrained.test.loss).not.toBe(random.test.loss);
    for (const { test, train } of [pretrained, random]) {
      expect(train.accuracy).toBeGreaterThan(0.5);
      expect(test.accuracy).toBeGreaterThanOrEqual(0);
    }
    const [{ seconds, wallSeconds, steps }] = straight.pretraining;
    expect(wallSeconds).toBeGreaterThan(seconds);
    expect(steps).toBe(8);
    const { before, after } = straight.runs[0].models.frozen.encoder;
    expect(after).toEqual(before);
  });

  it('writes a report whose worked example is the loss that the kernel computes', async () => {
    const results = await writeReport(gpu, dataset, config, straight, out('straight'));
    const stored = JSON.parse(readFileSync(join(out('straight'), 'results.json'), 'utf8'));
    expect(stored).toEqual(JSON.parse(JSON.stringify(results)));
    const { loss, kernelLoss, rows } = results.lossExample!;
    expect(Math.abs(loss - kernelLoss)).toBeLessThan(1e-5 * Math.max(1, loss));
    expect(rows).toEqual(['disc 1', 'ring 1', 'disc 2', 'ring 2']);
    const markdown = readFileSync(join(out('straight'), 'report.md'), 'utf8');
    expect(markdown).toContain(`Mean of the last column: ${loss.toFixed(6)}`);
    for (const [, file] of markdown.matchAll(/\]\((figures\/[^)]*)\)/g))
      expect(existsSync(join(out('straight'), file)), file).toBe(true);
  });
});

describe('simclr experiment', () => {
  it('stopped by Ctrl-C says that the same command goes on, and it does', async () => {
    // Pre-training and most models are those of the experiment above; the rest is left to do.
    const path = out('cli');
    linkFolder(out('straight'), path);
    for (const stage of ['transfer', 'probe.json']) rmSync(join(path, 'seed-1', stage), { recursive: true });
    const flags = [...flagsOf(data), '--out', path, '--log', 'tensorboard'];
    const started = start(flags);
    while (!started.out().includes('epoch 1/2') && started.child.exitCode === null)
      await new Promise((wake) => setTimeout(wake, 20));
    started.child.kill('SIGINT');
    const stopped = await started.done;
    expect(stopped.err).toBe('');
    expect(stopped).toMatchObject({ code: 130 });
    expect(stopped.out).toMatch(/stopped; progress is saved in .*; to continue:\n {2}.*experiment --out .*\n$/);
    const { pretrain, supervised, seeds } = JSON.parse(readFileSync(join(path, 'experiment.json'), 'utf8'));
    const planned = planExperiment(given, gpu.traits);
    expect({ pretrain, supervised, seeds }).toEqual({
      pretrain: planned.pretrain,
      supervised: planned.supervised,
      seeds: planned.seeds,
    });
    const again = await run(...flags);
    expect(again).toMatchObject({ code: 0, err: '' });
    const { runs, pretraining } = JSON.parse(readFileSync(join(path, 'results.json'), 'utf8'));
    expect(lasting({ runs, pretraining })).toEqual(lasting(straight));
    expect(again.out).toContain(`report     ${join(path, 'report.html')}`);
    expectLogged(join(path, 'seed-1', 'transfer'));
  }, 600_000);
});
