/** What the form of a training begins with: what this device does in minutes, with as many photos as there are. */
import type { DeviceFacts } from '../protocol.ts';

/** Sizes to which photos are decoded: those that networks are used to. */
export const imageSizes = [32, 48, 64, 96, 128, 160, 224] as const;

/** The size to which photos are decoded unless another is chosen. */
export const suggestedImageSize = (device: DeviceFacts | undefined): number => (device?.software ? 32 : 96);

/** The largest power of two that is at most a quarter of the photos, so that an epoch is four steps or more; 2 at least. */
const quarter = (photos: number): number => 2 ** Math.max(1, Math.floor(Math.log2(Math.max(2, photos / 4))));

/** Settings that the form shows before it was touched. */
export interface Suggested {
  readonly epochs: number;
  readonly batchSize: number;
  readonly width: number;
}

/** Steps that show something of a folder of any size. */
const wantedSteps = { hardware: 2000, software: 60 };

/** Fewer photos take more epochs: what a network sees is a number of steps. */
export function suggested(device: DeviceFacts | undefined, photos: number): Suggested {
  const software = device?.software ?? false;
  const batchSize = Math.min(software ? 32 : 256, quarter(photos));
  const perEpoch = Math.max(1, Math.floor(photos / batchSize));
  const epochs = Math.ceil((software ? wantedSteps.software : wantedSteps.hardware) / perEpoch);
  const round = epochs < 10 ? epochs : Math.ceil(epochs / 10) * 10;
  return { epochs: Math.min(software ? 10 : 200, round), batchSize, width: software ? 0.25 : 1 };
}
