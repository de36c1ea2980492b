/** What a training keeps in the host's memory: it goes on from there on another device, and longer. */
import { expect, it } from 'vitest';
import { Gpu } from '../../src/gpu/device.ts';
import { encodeEncoder } from '../../src/train/encoder_content.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { keptEncoder } from '../../src/web/kept.ts';
import { PhotoTraining } from '../../src/web/training.ts';
import { formulaPictures } from './training.ts';

const settings = parseSettings({
  ...{ imageSize: 16, batchSize: 4, epochs: 2, width: 0.25, stem: 'imagenet', embeddingDim: 16, headWidth: 32 },
  ...{ schedule: 'cosine', lr: 0.01, temperature: 0.2 },
});
const set = formulaPictures(12, settings.imageSize);

/** Losses of steps by their numbers, and a signal that is aborted behind one of them. */
function listener(last = Number.POSITIVE_INFINITY) {
  const losses: Record<number, number> = {};
  const stop = new AbortController();
  const onStep = ({ step, loss }: { step: number; loss: number }) => {
    losses[step] = loss;
    if (step === last) stop.abort();
  };
  return { losses, signal: stop.signal, events: { onStep } };
}

it('a training whose device is lost goes on as if it had not been, from the middle of an epoch, and its encoder can be saved', async () => {
  const whole = listener();
  const gpu = await Gpu.open();
  const training = await PhotoTraining.create(gpu, set, settings, whole.events);
  await training.run();
  expect(Object.keys(whole.losses)).toHaveLength(6);
  expect(training.kept!.values.progress.step).toBe(6);
  const saved = await encodeEncoder(training.state, training.encoder, training.preparation, training.step);
  expect(keptEncoder(training.kept!)).toEqual(saved);
  training.destroy();

  const first = listener(2);
  const stopped = await PhotoTraining.create(gpu, set, settings, first.events);
  await stopped.run(first.signal);
  const { kept } = stopped;
  const done = kept!.values.progress.step;
  expect(done).toBeLessThan(6);
  gpu.device.destroy();

  const other = await Gpu.open();
  const rest = listener();
  const again = await PhotoTraining.create(other, set, settings, rest.events, kept);
  expect(again.step).toBe(done);
  await again.run();
  expect({ ...first.losses, ...rest.losses }).toEqual(whole.losses);
  expect(keptEncoder(again.kept!)).toEqual(saved);

  // As --resume with --epochs: one more epoch, over which the cosine falls then.
  const longer = again.longer(3)!;
  expect(longer.notes.at(-1)).toMatch(/^the cosine schedule now spans 9 steps: the learning rate continues at 0\.00/);
  expect(again.longer(2)).toBeUndefined();
  expect(() => again.longer(1)).toThrow('epochs 1: that is 3 steps, and the run is set to 6; a run can only be made');
  const rates: number[] = [];
  const onStep = ({ step, lr }: { step: number; lr: number }) => void (rates[step] = lr);
  const third = await PhotoTraining.create(other, set, longer.settings, { onStep }, again.kept);
  await third.run();
  expect(third.step).toBe(9);
  expect(Object.keys(rates)).toEqual(['7', '8', '9']);
  expect(rates[7]).toBeGreaterThan(0.001);
  expect(rates[9]).toBeLessThan(rates[8]);
  other.destroy();
});
