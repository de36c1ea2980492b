/** All that a method may declare, through the trainer: see everything.ts. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/io/safetensors.ts';
import { registerMethod } from '../../src/methods/index.ts';
import { fitToBudget } from '../../src/train/budget.ts';
import { readCheckpoint, saveCheckpoint } from '../../src/train/checkpoint.ts';
import { epochContext } from '../../src/train/epoch_context.ts';
import { compileTraining, imageFacts } from '../../src/train/learner.ts';
import { atStart } from '../../src/train/progress.ts';
import { RunFolder } from '../../src/train/run_folder.ts';
import { restore } from '../../src/train/training_values.ts';
import { adapters, onEveryAdapter } from '../ops/harness.ts';
import { everything, queueRows } from './everything.ts';
import { expectExactResume, expectStepOfReference, images, runIn, tinySettings } from './harness.ts';

registerMethod(everything);

const root = mkdtempSync(join(tmpdir(), 'simclr-everything-'));
const given = { epochs: 3, width: 1, figureEvery: 10 };
const settings = tinySettings(everything, given);

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open({ adapter: adapters[0] });
});
afterAll(() => {
  gpu.destroy();
  rmSync(root, { recursive: true, force: true });
});

describe('a run', () => {
  it('keeps everything under names of its own, and is bit for bit the same where it was interrupted at every step', async () => {
    const straight = await expectExactResume(root, gpu, settings);
    expect(straight.step).toBe(12);
    const { tensors } = readSafetensors(straight.checkpoint);
    const names = [...tensors.keys()];
    for (const wanted of [
      ...['module.conv1.weight', 'module.bn1.running_var', 'module.critic.bias'],
      ...['optimizer.main.momentum_buffer.conv1.weight', 'optimizer.critic.momentum_buffer.critic.weight'],
      ...['kept.queue', 'kept.teacher.conv1.weight', 'kept.teacher.bn1.running_mean'],
      ...['epoch.cluster', 'epoch.spare'],
    ])
      expect(names).toContain(wanted);
    expect(tensors.get('epoch.cluster')).toMatchObject({ dtype: 'U32', shape: [17] });
    expect(tensors.get('epoch.spare')!.data).toEqual(Float32Array.of(2));
  });

  it('draws its figures as it begins and ends, with a column for each kind of picture', () => {
    const folder = join(root, 'straight', 'figures');
    expect(readdirSync(folder).sort()).toEqual(['patches-step-00000000.png', 'patches-step-00000012.png']);
    const { width, height } = PNG.sync.read(readFileSync(join(folder, 'patches-step-00000012.png')));
    expect([width, height]).toEqual([10 + 80 + 6 + 80 + 10, expect.any(Number)]);
  });

  it('logs what the method logs, the losses of further groups, and means of all that is not said to be otherwise', async () => {
    const records = new RunFolder(join(root, 'straight')).records() as readonly Record<string, number | string>[];
    const steps = records.filter(({ type }) => type === 'step');
    expect(steps.map(({ share }) => share)).toEqual(steps.map((_, i) => Math.fround((i + 1) / 12)));
    expect(Object.keys(steps[0]).sort()).toEqual(
      ['type', 'step', 'epoch', 'loss', 'loss_critic', 'accuracy', 'crops', 'patches', 'share', 'lr', 'time'].sort(),
    );
    const epochs = records.filter(({ type }) => type === 'epoch');
    const mean = (epoch: number, name: string) =>
      steps.filter((step) => step['epoch'] === epoch).reduce((sum, step) => sum + Number(step[name]), 0) / 4;
    for (const epoch of [1, 2, 3])
      for (const name of ['loss', 'loss_critic', 'crops', 'accuracy'])
        expect(epochs[epoch - 1][name]).toBeCloseTo(mean(epoch, name), 12);
    expect(epochs[0]['chance']).toBeUndefined();
    expect(existsSync(join(root, 'straight', 'figures', 'similarity-step-00000000.png'))).toBe(false);
  });

  it('is sized by time, and its checkpoint is checked tensor by tensor', async () => {
    const options = { secondsLeft: () => 0, smaller: [], enough: 1 };
    expect((await fitToBudget(gpu, { train: images }, settings, options)).settings.steps).toBeGreaterThan(0);
    const { tensors, epochData } = readCheckpoint(new RunFolder(join(root, 'straight')).checkpointFile(12));
    expect(tensors.get('kept.queue')!.shape).toEqual([queueRows, 8]);
    expect(Object.keys(epochData).sort()).toEqual(['cluster', 'spare']);
  });
});

describe('a checkpoint from the middle of an epoch', () => {
  it.each<[string, (tensors: Map<string, StoredTensor>) => void]>([
    ['without', (tensors) => void tensors.delete('epoch.cluster')],
    ['shorter', (tensors) => void tensors.set('epoch.cluster', { dtype: 'U32', shape: [3], data: new Uint32Array(3) })],
    ['as fractions', (t) => void t.set('epoch.cluster', { dtype: 'F32', shape: [17], data: new Float32Array(17) })],
  ])('is refused with what its epoch began with %s', async (_, change) => {
    const path = join(root, 'damaged');
    rmSync(path, { recursive: true, force: true });
    cpSync(join(root, 'straight'), path, { recursive: true });
    for (const step of new RunFolder(path).checkpointSteps().filter((at) => at !== 6))
      rmSync(new RunFolder(path).checkpointFile(step));
    const file = new RunFolder(path).checkpointFile(6);
    const { tensors, metadata } = readSafetensors(file);
    change(tensors);
    writeSafetensors(file, tensors, metadata);
    await expect(runIn(join(root, 'damaged'), gpu, settings)).rejects.toThrow(
      /step-00000006\.safetensors: tensor 'epoch\.cluster' is missing or not 17 numbers of u32; use another checkpoint/,
    );
  });
});

onEveryAdapter((device) => {
  it('a step equals the float64 reference, and a step that is left out changes nothing', async () => {
    const state = new State(device());
    const training = await compileTraining(state, residentImages(state, images), settings);
    const { step, learner } = training;
    const firstValues = (of: typeof learner.encoder) => of.parameters.map(({ tensor }) => state.read(tensor));
    const twin = learner.kept!['teacher'] as typeof learner.encoder;
    expect(await Promise.all(firstValues(twin))).toEqual(await Promise.all(firstValues(learner.encoder)));
    const features = async () => Float32Array.from({ length: 17 * 8 }, (_, i) => Math.sin(i));
    await step.beginEpoch(epochContext(state, { epoch: 0, images, features, before: {}, seed: 1 }));
    const expected = await expectStepOfReference(state, training);
    const queue = learner.kept!['queue'] as Tensor;
    const rows = await state.read(queue);
    const wanted = expected.get(queue)!;
    expect(Array.from(rows.subarray(0, 32))).toEqual(new Array(32).fill(0));
    for (let i = 0; i < rows.length; i++) expect(rows[i]).toBeCloseTo(wanted[i], 4);

    const indices = Uint32Array.of(3, 16, 0, 7);
    const [{ inputs }] = step.runs(indices, { step: 2, epoch: 0 });
    // Views of different groups, of one image and size, are not the same draw; the third group is the whole image.
    const seeds = Object.entries(inputs).filter(([name]) => name.startsWith('seeds'));
    expect(seeds.map(([, value]) => Array.from(value))).toEqual([
      [1, 0, 0, 0],
      [1, 0, 0, 1],
    ]);

    // The teacher is the encoder as the step left it.
    const { teacher } = learner.kept as { teacher: typeof learner.encoder };
    const weights = (of: typeof teacher) => state.readAll(of.parameters.map(({ tensor }) => tensor));
    expect([...(await weights(teacher)).values()]).toEqual([...(await weights(learner.encoder)).values()]);

    const [conv] = learner.encoder.parameters;
    state.write(conv.tensor, new Float32Array(conv.tensor.size).fill(Number.NaN));
    const before = [await state.read(queue), ...(await weights(teacher)).values()];
    expect((await step.step(indices, { step: 3, epoch: 0 }).read()).firstNonFinite).toBe(3);
    expect([await state.read(queue), ...(await weights(teacher)).values()]).toEqual(before);
    step.destroy();
    state.destroy();
    device().trim();
  });

  it('in f16 each group has a loss scale of its own, in checkpoints too', async ({ skip }) => {
    if (!device().traits.features.has('shader-f16')) skip('the adapter has no shader-f16');
    const half = tinySettings(everything, { ...given, precision: 'f16' });
    const state = new State(device());
    const { step } = await compileTraining(state, residentImages(state, images), half);
    const features = async () => new Float32Array(17 * 8);
    await step.beginEpoch(epochContext(state, { epoch: 0, images, features, before: {}, seed: 1 }));
    const { loss, lossScale } = await step.step(Uint32Array.of(1, 2, 3, 4), { step: 1, epoch: 0 }).read();
    expect(Number.isFinite(loss)).toBe(true);
    expect(lossScale?.scale).toBe(65536);
    const [main, critic] = step.traced.groups.map(({ trained }) => trained.scaling!.scale);
    state.write(critic, Float32Array.of(1024));
    const file = join(root, 'half.safetensors');
    const content = { settings: half, progress: { ...atStart, step: 1 }, images: imageFacts(images), epochData: {} };
    await saveCheckpoint(file, state, step.traced, content, () => '');
    const checkpoint = readCheckpoint(file);
    expect(checkpoint.progress.lossScales).toMatchObject({ main: { scale: 65536 }, critic: { scale: 1024 } });
    for (const scale of [main, critic]) state.write(scale, Float32Array.of(1));
    restore(state, step.traced, checkpoint);
    expect([(await state.read(main))[0], (await state.read(critic))[0]]).toEqual([65536, 1024]);
    step.destroy();
    state.destroy();
    device().trim();
  });
});
