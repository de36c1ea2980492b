/** ResNets with layer norm, and encoders that see images in patches: names, in files, and that no image sees another. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { normalization } from '../src/data/preparation.ts';
import { Gpu } from '../src/gpu/device.ts';
import { State } from '../src/graph/state.ts';
import { constant, trace } from '../src/graph/trace.ts';
import { describeEncoder, isTrunk, shapeOf } from '../src/nn/encoder_shape.ts';
import { makeEncoder } from '../src/nn/encoders.ts';
import { readEncoder, readEncoderFile } from '../src/train/encoder_file.ts';
import { saveEncoder } from '../src/train/export.ts';
import { parseSettings } from '../src/train/settings.ts';
import { scratchFolder } from './cli/run.ts';
import { adapters, noise } from './ops/harness.ts';
import { interpret } from './reference/interpreter.ts';

const resnet = { architecture: 'resnet18', stem: 'cifar', width: 0.25 } as const;
const layered = { ...resnet, norm: 'layer' } as const;
const namesOf = (source: Parameters<typeof makeEncoder>[0]) =>
  makeEncoder(source).parameters.map(({ tensor }) => tensor.name);

describe('a ResNet with layer norm', () => {
  it('has the names of one with batch norm, and no statistics', () => {
    const { parameters, buffers } = makeEncoder({ ...layered, seed: 1 });
    expect(parameters.map(({ tensor }) => tensor.name)).toEqual(namesOf({ ...resnet, seed: 1 }));
    expect(parameters.every(({ tensor }) => isTrunk(tensor.name))).toBe(true);
    expect(buffers).toEqual([]);
  });

  it('has no features of an image that depend on another, in training', () => {
    const features = (other: number) => {
      const pixels = noise(2 * 8 * 8 * 4, 3).map((v, i) => (i % 4 === 3 ? 0 : i < 256 ? v : other * v));
      const { graph, result } = trace(() =>
        makeEncoder({ ...layered, seed: 1 }).forward(constant('x', pixels, [2, 8, 8, 4]), { training: true }),
      );
      return [...interpret(graph).get(result)!];
    };
    const [one, other] = [features(1), features(-3)];
    expect(other.slice(0, 128)).toEqual(one.slice(0, 128));
    expect(other.slice(128)).not.toEqual(one.slice(128));
    expect(Math.max(...one)).toBeGreaterThan(0.01);
  });

  it('is named where encoders are described; other networks have none to choose', () => {
    expect(describeEncoder(layered)).toBe('resnet18 of width 0.25 with layer norm');
    expect(describeEncoder({ ...layered, input: 'patches' })).toMatch(/layer norm on overlapping patches$/);
    expect(describeEncoder({ ...layered, architecture: 'dcgan' })).toBe('dcgan of width 0.25');
    expect(shapeOf({ ...layered, architecture: 'dcgan' })).toEqual(
      shapeOf({ ...resnet, architecture: 'dcgan', norm: 'batch' }),
    );
    expect(shapeOf({ ...resnet, norm: 'batch' })).toEqual(resnet);
  });
});

it('a vision transformer sees no overlapping patches', () => {
  const refused = () => parseSettings({ method: 'simclr', architecture: 'vit_tiny', input: 'patches' });
  expect(refused).toThrow('--input patches: vit_tiny has patches of its own; choose a ResNet or dcgan');
});

it.each([layered, { ...layered, input: 'patches' } as const])('what is saved of %o is read again', async (shape) => {
  const file = join(scratchFolder(), 'encoder.safetensors');
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const states = [new State(gpu), new State(gpu)];
  const encoder = makeEncoder({ ...shape, seed: 3 });
  await saveEncoder(states[0], encoder, file, { imageSize: 16, ...normalization({ normalize: 'half' }) });
  expect(readEncoderFile(file)).toMatchObject({ ...shape, imageSize: 16 });
  const read = readEncoder(states[1], file).encoder;
  expect(read).toMatchObject({ shape });
  const values = await Promise.all(
    [encoder, read].map((one, i) => states[i].readAll(one.parameters.map(({ tensor }) => tensor))),
  );
  expect([...values[1].values()]).toEqual([...values[0].values()]);
  for (const state of states) state.destroy();
  gpu.destroy();
});
