/** What a training has learnt, in the host's memory: it outlasts the device, and a longer training goes on from it. */
import type { ImageSet } from '../data/images.ts';
import { preparation } from '../data/preparation.ts';
import { encodeSafetensors } from '../io/safetensors_format.ts';
import { isShaped } from '../nn/encoders.ts';
import { moduleTensors } from '../train/checkpoint_tensors.ts';
import { encoderContent } from '../train/encoder_content.ts';
import { learnerOf } from '../train/learner.ts';
import type { Progress } from '../train/progress.ts';
import type { TrainSettings } from '../train/settings.ts';
import type { TrainingValues } from '../train/training_values.ts';

/** The values of a checkpoint, and what it was trained with. */
export interface KeptTraining {
  readonly settings: TrainSettings;
  /** The photos. */
  readonly set: ImageSet;
  readonly values: TrainingValues<Progress>;
}

/** The encoder as the bytes of a file, as `encodeEncoder` makes it of one on a device. */
export function keptEncoder({ settings, values }: KeptTraining): Uint8Array<ArrayBuffer> {
  const { encoder } = learnerOf(settings, values.images);
  if (!isShaped(encoder)) throw new TypeError('only an encoder of makeEncoder or a ResNet can be written');
  const { step } = values.progress;
  const { tensors, metadata } = encoderContent(encoder, moduleTensors(values), step, preparation(settings));
  return encodeSafetensors(tensors, metadata);
}

/** Milliseconds after which a training is kept again, at least. */
const leastPause = 5000;
/** The pause in times of what keeping costs: 1 / 60 of the time, below 2 %. */
const pauses = 60;

/** Says when it is time to keep a training again, whatever that costs on a device. */
export class KeepTimes {
  private cost = 0;
  private last = 0;

  /** A training begins, or goes on. */
  start(): void {
    this.last = performance.now();
  }

  get isDue(): boolean {
    return performance.now() - this.last >= Math.max(leastPause, pauses * this.cost);
  }

  /** Does the keeping, and sees how long it takes. */
  async time<T>(keep: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const kept = await keep();
    this.last = performance.now();
    this.cost = this.last - start;
    return kept;
  }
}
