/** What a training, and the device, tell, in the words of `protocol.ts`. */
import type { ImageSet } from '../data/images.ts';
import type { Gpu } from '../gpu/device.ts';
import type { Probed } from '../train/similarity_probe.ts';
import type { DeviceFacts, FromWorker, Pairs, TrainingFacts } from './protocol.ts';
import { describeTraining, photoMethods } from './settings.ts';
import type { PhotoTraining, PhotoTrainingEvents } from './training.ts';

type Tell = (answer: FromWorker) => void;

export function deviceFacts({ traits }: Gpu): DeviceFacts {
  const { adapter, software, limits, features } = traits;
  const { maxBufferSize, maxStorageBufferBindingSize } = limits;
  const methods = photoMethods().map(({ name, about }) => ({ name, about }));
  return {
    type: 'device',
    ...{ adapter, software, maxBufferSize, maxStorageBufferBindingSize, features: [...features], methods },
  };
}

export function trainingFacts({ training, settings, state }: PhotoTraining): TrainingFacts {
  const { learner, source } = training;
  return { ...describeTraining(learner, settings, source.set as ImageSet), peakBytes: state.gpu.bytes };
}

/** Tells the events of a training on a device. */
export function tellingEvents(tell: Tell, gpu: Gpu, batchSize: number): PhotoTrainingEvents {
  let pairsTold = false;
  return {
    onPipeline: (done, total) => tell({ type: 'compiling', done, total }),
    onWarning: ({ message, remedy }) => tell({ type: 'warning', message: `${message}; ${remedy}` }),
    onStep({ step, steps, epoch, loss, metrics, lr, imagesPerSecond }) {
      const secondsLeft = ((steps - step) * batchSize) / imagesPerSecond;
      const memory = gpu.highWater;
      tell({ type: 'step', step, steps, epoch, loss, metrics, lr, imagesPerSecond, memory, secondsLeft });
    },
    onEpoch: (report) => tell({ type: 'epoch', ...report }),
    onPairs(step, probed) {
      if (!pairsTold) tell(pairsOf(probed));
      pairsTold = true;
      const { similarity, positives, negatives } = probed.pairs;
      tell({ type: 'similarity', step, count: probed.views.length / 2, similarity, positives, negatives });
    },
  };
}

/** The views as a canvas takes them. */
function pairsOf({ views }: Probed): Pairs {
  const [{ side: size }] = views;
  const pixels = size * size;
  const rgba = new Uint8ClampedArray(views.length * pixels * 4).fill(255);
  views.forEach(({ rgb }, view) => {
    for (let i = 0; i < pixels; i++) rgba.set(rgb.subarray(3 * i, 3 * i + 3), 4 * (view * pixels + i));
  });
  return { type: 'pairs', count: views.length / 2, size, rgba };
}
