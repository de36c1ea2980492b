/** `--precision` of `simclr experiment` and `simclr eval`: what it is for, where it is kept, and what is told where it cannot be. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { imagenetColours } from '../../src/data/preparation.ts';
import { ensureSampleSet } from '../../src/data/sample/sample.ts';
import {
  checkContinues,
  checkGiven,
  type ExperimentConfig,
  type GivenExperiment,
  planExperiment,
} from '../../src/experiment/experiment_settings.ts';
import { reportDocument } from '../../src/experiment/report_document.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { ResNet } from '../../src/nn/resnet.ts';
import { saveEncoder } from '../../src/train/export.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { run, scratchFolder } from '../cli/run.ts';
import { resnet18 } from '../networks.ts';
import { adapters } from '../ops/harness.ts';
import { fabricated, pictures } from './fixture.ts';

const folder = scratchFolder();
const device = { software: false };
const half: GivenExperiment = { pretrain: { precision: 'f16' }, supervised: {} };
const precisions = ({ pretrain, supervised }: Pick<ExperimentConfig, 'pretrain' | 'supervised'>) => [
  pretrain.precision,
  supervised.precision,
];
const configOf = (given: GivenExperiment, plan = planExperiment(given, device)): ExperimentConfig => ({
  ...{ version: 1, data: '', ...plan, adapter: '', started: '' },
  images: { pretrain: 1, train: 1, test: 1 },
});

describe('the precision of an experiment', () => {
  it('is that of all stages', () => {
    expect(precisions(planExperiment(half, device))).toEqual(['f16', 'f16']);
    expect(precisions(planExperiment({ pretrain: {}, supervised: {} }, device))).toEqual(['f32', 'f32']);
  });

  it('with a checkpoint is that of the labelled stages, whatever the checkpoint was trained in', () => {
    const given = { ...half, checkpoint: 'a' };
    expect(() => checkGiven(given)).not.toThrow();
    expect(() => checkGiven({ ...given, pretrain: { ...given.pretrain, lr: 1 } })).toThrow(/omit --lr$/);
    expect(precisions(planExperiment(given, device, parseSettings({})))).toEqual(['f32', 'f16']);
    const plain = { ...given, pretrain: {} };
    expect(precisions(planExperiment(plain, device, parseSettings({ precision: 'f16' })))).toEqual(['f16', 'f32']);
  });

  it('cannot change when it goes on', () => {
    const config = configOf(half);
    expect(() => checkContinues('out', half, config)).not.toThrow();
    const wide: GivenExperiment = { pretrain: { precision: 'f32' }, supervised: {} };
    expect(() => checkContinues('out', wide, config)).toThrow(/^out: holds an experiment with --precision f16; /);
    const given = { ...half, checkpoint: 'a' };
    const taken = configOf(given, planExperiment(given, device, parseSettings({})));
    expect(() => checkContinues('out', given, taken)).not.toThrow();
    expect(() => checkContinues('out', { ...wide, checkpoint: 'a' }, taken)).toThrow(/with --precision f16; /);
  });

  it('of a version in which it was for pre-training only goes on as it began', () => {
    const config = configOf(half);
    const older = { ...config, supervised: { ...config.supervised, precision: 'f32' as const } };
    expect(() => checkContinues('out', half, older)).not.toThrow();
  });

  it('stands in the report', async () => {
    const results = fabricated([1]);
    const { blocks } = await reportDocument(
      { ...results, config: { ...results.config, ...planExperiment(half, device) } },
      pictures,
    );
    const rows = blocks.flatMap((block) => (block.kind === 'table' ? block.rows : []));
    expect(rows.filter(([name]) => name === 'precision')).toEqual([['precision', 'f16', 'f16']]);
  });
});

describe('the command line', () => {
  const data = join(folder, 'data');
  const encoder = join(folder, 'encoder.safetensors');
  let narrow: string | undefined;

  beforeAll(async () => {
    ensureSampleSet(data, { train: 20, test: 10, unlabeled: 10 });
    for (const adapter of adapters) {
      const gpu = await Gpu.open({ adapter });
      if (!gpu.traits.features.has('shader-f16')) narrow = adapter;
      if (!existsSync(encoder)) {
        const state = new State(gpu);
        await saveEncoder(state, new ResNet(resnet18), encoder, { imageSize: 32, ...imagenetColours });
        state.destroy();
      }
      gpu.destroy();
    }
  });

  it('tells of an adapter without f16 in a line, before anything is trained', async ({ skip }) => {
    if (!narrow) skip('every adapter has f16');
    const out = join(folder, 'out');
    const half = ['--precision', 'f16', '--adapter', narrow!, '--data', data, '--out', out];
    const given = ['--checkpoint', encoder, ...half];
    const commands = [
      ['experiment', ...half],
      ['eval', 'finetune', ...given],
      ['eval', 'low-label', '--finetune', ...given],
    ];
    for (const args of commands) {
      const { code, err } = await run(...args);
      expect(err).toMatch(/^simclr: --precision f16 needs the feature 'shader-f16', which '.*' does not have; .*\n$/);
      expect(code).toBe(2);
      expect(existsSync(join(out, 'trainings')) || existsSync(join(out, 'experiment.json'))).toBe(false);
    }
  });

  it('refuses it where nothing is trained', async () => {
    const given = ['--checkpoint', encoder, '--data', data, '--precision', 'f16'];
    const { code, err } = await run('eval', 'low-label', ...given);
    expect(err).toMatch(/^simclr: --precision: only used with --finetune; add it, or omit this$/m);
    expect(code).toBe(2);
  });

  it('fine-tunes in f16, and says so', async ({ skip }) => {
    const wide = adapters.find((adapter) => adapter !== narrow);
    if (!wide) skip("no adapter has 'shader-f16'");
    const out = join(folder, 'tuned');
    const { err, out: text } = await run(
      ...['eval', 'finetune', '--checkpoint', encoder, '--data', data, '--image-size', '16', '--adapter', wide!],
      ...['--out', out, '--finetune-epochs', '1', '--finetune-batch-size', '10', '--precision', 'f16'],
    );
    expect(err).toBe('');
    expect(text).toMatch(/fine-tuning: all layers, 1 epoch in f16; train 20, test 10/);
    const { settings, results } = JSON.parse(readFileSync(join(out, 'finetune.json'), 'utf8'));
    expect(settings.precision).toBe('f16');
    expect(results[0].last.lossScale.scale).toBeGreaterThan(0);
  });
});
