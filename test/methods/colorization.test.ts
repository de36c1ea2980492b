import { expect, it } from 'vitest';
import { residentImages } from '../../src/data/source.ts';
import { UserError } from '../../src/errors.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { colorization } from '../../src/methods/colorization.ts';
import { abBins } from '../../src/ssl/lab_bins.ts';
import { LabPrediction } from '../../src/ssl/lab_prediction.ts';
import { compileTraining } from '../../src/train/learner.ts';
import { adapters, sample } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { beginFirstEpoch, expectStepOfReference, images, testMethod, tinySettings } from './harness.ts';

testMethod(colorization, { decoderWidth: 8, stem: 'cifar' });

it('an encoder that sees the colours is refused in one line', () => {
  const refused = () => tinySettings(colorization, { input: 'rgb' });
  expect(refused).toThrow(UserError);
  expect(refused).toThrow('the encoder sees the colours that it is to predict; use --input lightness');
  expect(() => tinySettings(colorization, { architecture: 'dcgan' })).toThrow('use --architecture resnet18');
});

it('as numbers, and with the stem of large images, a step equals the float64 reference too', async () => {
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const state = new State(gpu);
  const settings = tinySettings(colorization, { decoderWidth: 8, target: 'regression' });
  const training = await compileTraining(state, residentImages(state, images), settings);
  await beginFirstEpoch(state, training);
  await expectStepOfReference(state, training);
  training.step.destroy();
  state.destroy();
  gpu.destroy();
});

const settings = { imageSize: 32, seed: 1, raritySmoothing: 0.5, decoderWidth: 8, annealing: 0.38 };
/** Shares of which grey has nine tenths, the others the rest. */
const { centers, count } = abBins();
const shares = Float32Array.from({ length: count }, (_, q) =>
  centers[2 * q] === 0 && centers[2 * q + 1] === 0 ? 0.9 : 0.1 / (count - 1),
);
const encoder = { shape: { stem: 'cifar' }, inputs: 8 } as const;

it.each(['classes', 'regression'] as const)('%s: pixels of a quarter of the view are predicted', (target) => {
  const { graph, result } = trace(() => {
    const prediction = new LabPrediction('ab', encoder, { ...settings, target });
    const map = sample('map', [2, 4, 4, 8]);
    const lab = sample('lab', [2, 32, 32, 4], { scale: 300 });
    const known = constant('shares', shares);
    const { loss, log } = prediction.loss([map], lab, known, { training: true });
    return { loss, ...log, decoded: prediction.decode([map], known, { training: false }) };
  });
  expect(result.decoded.shape).toEqual([2, 8, 8, 2]);
  const values = interpret(graph);
  const of = (tensor: Tensor) => values.get(tensor)![0];
  // The first prediction is the best guess without the image.
  expect(Math.abs(of(result.skill))).toBeLessThan(0.05);
  expect(of(result.accuracy)).toBeCloseTo(of(result.commonest), 1);
});
