/** Encoders that see each image with mean 0 and deviation 1 of its own: whatever brightness and contrast, and in files. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { normalization } from '../src/data/preparation.ts';
import { Gpu } from '../src/gpu/device.ts';
import { State } from '../src/graph/state.ts';
import { constant, trace } from '../src/graph/trace.ts';
import { makeEncoder } from '../src/nn/encoders.ts';
import { readEncoder, readEncoderFile } from '../src/train/encoder_file.ts';
import { saveEncoder } from '../src/train/export.ts';
import { scratchFolder } from './cli/run.ts';
import { adapters, noise } from './ops/harness.ts';
import { interpret } from './reference/interpreter.ts';

const shape = { architecture: 'resnet18', stem: 'cifar', width: 0.25, input: 'standardized' } as const;
const pixels = noise(2 * 8 * 8 * 4, 3);
const pictures = (scale: number, offset: number) =>
  constant(
    'pictures',
    pixels.map((v, i) => (i % 4 === 3 ? 0 : scale * v + offset)),
    [2, 8, 8, 4],
  );
const featuresOf = (scale: number, offset: number) => {
  const encoder = makeEncoder({ ...shape, seed: 1 });
  const { graph, result } = trace(() => encoder.forward(pictures(scale, offset), { training: false }));
  return interpret(graph).get(result)!;
};

it('features do not depend on brightness and contrast', () => {
  const one = featuresOf(1, 0);
  expect(Math.max(...one)).toBeGreaterThan(0.01);
  featuresOf(0.3, -2).forEach((value, i) => expect(value).toBeCloseTo(one[i], 4));
});

it('what is saved is read again, and sees the same', async () => {
  const file = join(scratchFolder(), 'standardized.safetensors');
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const states = [new State(gpu), new State(gpu)];
  const encoder = makeEncoder({ ...shape, seed: 3 });
  await saveEncoder(states[0], encoder, file, { imageSize: 16, ...normalization({ normalize: 'half' }) });
  expect(readEncoderFile(file)).toMatchObject({ ...shape, imageSize: 16 });
  const read = readEncoder(states[1], file).encoder;
  const values = await Promise.all(
    [encoder, read].map((one, i) => states[i].readAll(one.parameters.map(({ tensor }) => tensor))),
  );
  expect([...values[1].values()]).toEqual([...values[0].values()]);
  expect(read).toMatchObject({ shape });
  for (const state of states) state.destroy();
  gpu.destroy();
});
