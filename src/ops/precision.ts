import { UserError } from '../errors.ts';
import type { DeviceTraits } from '../gpu/device.ts';

/** What an encoder that is trained holds its activations in, and the weights that convolutions read. All arithmetic is f32. */
export const precisions = ['f32', 'f16'] as const;
export type Precision = (typeof precisions)[number];

/** UserError: the device cannot hold tensors of this precision. */
export function checkPrecision({ precision }: { readonly precision: Precision }, device: DeviceTraits): void {
  if (precision === 'f32' || device.features.has('shader-f16')) return;
  throw new UserError(
    `--precision f16 needs the feature 'shader-f16', which '${device.adapter}' does not have; use --precision f32 or another --adapter`,
    2,
  );
}
