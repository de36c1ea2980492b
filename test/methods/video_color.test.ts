import { describe, expect, it } from 'vitest';
import { normalization } from '../../src/data/preparation.ts';
import { imagesOf, packImages, residentImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { videoColor } from '../../src/methods/video_color.ts';
import type { PlaceEmbedding } from '../../src/nn/place_embedding.ts';
import { preprocess } from '../../src/ops/augment.ts';
import { propagate } from '../../src/ssl/propagation.ts';
import { epochContext } from '../../src/train/epoch_context.ts';
import { compileTraining, type Training } from '../../src/train/learner.ts';
import type { GivenSettings } from '../../src/train/settings.ts';
import { movingShapes } from '../moving_shapes.ts';
import { adapters } from '../ops/harness.ts';
import { images, testMethod, tinySettings } from './harness.ts';

testMethod(videoColor, { references: 2, colors: 4, placeDim: 16 });

describe('settings', () => {
  it('refuse an encoder that sees colours or is no ResNet, and images that are not whole places', () => {
    const of = (given: GivenSettings) => () => tinySettings(videoColor, given);
    expect(of({ input: 'rgb' })).toThrow(
      'video-color: with --input rgb the encoder sees the colours that it is to copy; use --input lightness',
    );
    expect(of({ architecture: 'dcgan' })).toThrow('needs the maps of a ResNet; use --architecture resnet18');
    expect(of({ imageSize: 18 })).toThrow(
      '--image-size (18) must be a multiple of 4, the pixels of a place of stage 1',
    );
    expect(of({ imageSize: 20, stage: 2 })).toThrow('--image-size (20) must be a multiple of 8');
  });
});

const side = 16;
/** 24 clips to learn from, and one that is not seen. */
const [clips, frames] = [25, 6];
const shapes = movingShapes(clips, frames, side);
const unseen = Array.from({ length: frames }, (_, t) => shapes.files!.indexOf(`clip ${clips - 1}/frame ${t}.png`));

/** Mask of the first frame carried through the clip: [frames, side · side], where a place is one pixel. */
async function carriedMask(state: State, { learner, source }: Training, temperature: number): Promise<Float32Array> {
  const { set } = imagesOf(source);
  const { graph, result } = trace(() => {
    const packed = packImages(set, unseen);
    const x = preprocess(constant('frames', packed, [frames, packed.length / frames]), {
      ...{ height: side, width: side, size: side },
      ...normalization({ normalize: 'imagenet' }),
    });
    const embedding = learner.groups[0].modules[1] as PlaceEmbedding;
    const places = embedding.forward(learner.encoder.maps!(x, { training: false }));
    const first = constant('mask', Float32Array.from(shapes.mask(unseen[0])), [1, side * side, 1]);
    return { mask: propagate(places, first, { frames: 2, temperature }) };
  });
  const program = await Program.compile(graph, state, result);
  const { mask } = await program.run().read();
  program.destroy();
  return mask as Float32Array;
}

/** |A ∩ B| / |A ∪ B|, a mask being where the values are above ½. */
function overlap(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += Number(a[i] > 0.5 && b[i] > 0.5);
    either += Number(a[i] > 0.5 || b[i] > 0.5);
  }
  return both / either;
}

it('learns to point at where a colour was, and carries the mask of an object', async () => {
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const state = new State(gpu);
  const [steps, temperature] = [60, 0.07];
  const settings = tinySettings(videoColor, {
    ...{ stem: 'cifar', references: 1, batchSize: 8, epochs: steps, lr: 2e-3, colors: 8, placeDim: 32, temperature },
  });
  const training = await compileTraining(state, residentImages(state, shapes), settings);
  const { step } = training;
  const features = () => Promise.reject(new Error('features are not asked for'));
  await step.beginEpoch(epochContext(state, { epoch: 0, images: shapes, features, before: {}, seed: 1 }));
  const seen = Array.from({ length: shapes.count }, (_, i) => i).filter((i) => !unseen.includes(i));
  const logs: Readonly<Record<string, number>>[] = [];
  for (let number = 1; number <= steps; number++) {
    const indices = Uint32Array.from({ length: 8 }, (_, i) => seen[(number * 37 + i * 53) % seen.length]);
    logs.push((await step.step(indices, { step: number, epoch: 0 }).read()).metrics);
  }
  const mean = (name: string, of: typeof logs) => of.reduce((sum, log) => sum + log[name], 0) / of.length;
  const last = logs.slice(-10);
  const mask = await carriedMask(state, training, temperature);
  const truth = unseen.map((i) => shapes.mask(i));
  const places = side * side;
  const carried = unseen.map((_, t) => overlap(mask.subarray(t * places, (t + 1) * places), truth[t]));
  const still = truth.map((of) => overlap(truth[0], of));
  const over = (values: readonly number[]) => values.slice(1).reduce((sum, value) => sum + value, 0) / (frames - 1);
  console.info(
    ['accuracy', 'moved', 'samePlace', 'commonest'].map((name) => `${name} ${mean(name, last).toFixed(3)}`).join(', '),
    `moved at first ${mean('moved', logs.slice(0, 5)).toFixed(3)};`,
    `IoU ${over(carried).toFixed(3)}, of the same place ${over(still).toFixed(3)}`,
  );
  expect(mean('accuracy', last)).toBeGreaterThan(mean('samePlace', last) + 0.03);
  expect(mean('accuracy', last)).toBeGreaterThan(mean('commonest', last) + 0.3);
  expect(mean('moved', last)).toBeGreaterThan(mean('moved', logs.slice(0, 5)) + 0.1);
  expect(over(carried)).toBeGreaterThan(over(still) + 0.15);
  step.destroy();
  state.destroy();
  gpu.destroy();
});

it('warns of photographs in folders, which are no clips, before the first step, and of no video', async () => {
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const state = new State(gpu);
  const warned: string[] = [];
  for (const set of [shapes, images]) {
    const onWarning = ({ message }: { readonly message: string }) => warned.push(message);
    const { step } = await compileTraining(state, residentImages(state, set), tinySettings(videoColor), { onWarning });
    step.destroy();
  }
  expect(warned).toHaveLength(1);
  expect(warned[0]).toMatch(/: does not look like video: 3 folders with 17 images are taken for clips, but/);
  state.destroy();
  gpu.destroy();
});

it('pictures of other kinds are refused before anything is compiled', async () => {
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const state = new State(gpu);
  const photos = { ...images, files: undefined };
  const compiled = compileTraining(state, residentImages(state, photos), tinySettings(videoColor));
  await expect(compiled).rejects.toThrow('needs clips, and these images are in no order');
  state.destroy();
  gpu.destroy();
});
