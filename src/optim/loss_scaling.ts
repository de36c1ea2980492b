import type { Data, Tensor } from '../graph/tensor.ts';
import { variable } from '../graph/trace.ts';
import { checkFiniteGradients } from '../ops/check_finite.ts';
import { type LossScaleAttrs, lossScale } from '../ops/loss_scale.ts';

/** The first scale of PyTorch's GradScaler. */
const firstScale = 65536;

/** PyTorch's GradScaler: twice the scale after 2,000 good steps in a row, half of it where a gradient is not finite. */
export const gradScaler: LossScaleAttrs = { growthInterval: 2000, growth: 2, backoff: 0.5 };

/** Where the loss scale of a training in f16 stands. */
export interface ScaleReport {
  readonly scale: number;
  /** Steps so far that were skipped because scaled gradients overflowed. */
  readonly skipped: number;
}

/** The loss scale among the outputs of a step; undefined in f32. */
export function scaleReport(outputs: Readonly<Record<string, Data | undefined>>): ScaleReport | undefined {
  const { lossScale, lossScaleCounts } = outputs;
  return lossScale && lossScaleCounts && { scale: lossScale[0], skipped: lossScaleCounts[2] };
}

/**
 * Dynamic loss scaling on the device. Gradients of f16 underflow below 6e-8, so the loss counts `scale` times in them; a step whose
 * gradients overflow is skipped. Nothing of this waits for the host.
 */
export class LossScaling {
  /** f32 [1]: the factor; what d loss / d loss is in a scaled backward pass. */
  readonly scale = variable('loss_scale', [1], () => Float32Array.of(firstScale));
  /** u32 [3]: good steps since the scale changed, good steps, skipped steps. */
  readonly counts = variable('loss_scale_counts', [3], undefined, 'u32');
  private readonly foundInf = variable('found_inf', [1], undefined, 'u32');

  constructor(private readonly attrs: LossScaleAttrs = gradScaler) {}

  /** The variables that a run needs to go on, by the names that checkpoints give them. */
  get state(): readonly { readonly name: string; readonly variable: Tensor }[] {
    return [this.scale, this.counts].map((tensor) => ({ name: tensor.name, variable: tensor }));
  }

  /**
   * Records the end of a step, GradScaler's `step` and `update` in one: looks through the flat scaled gradients and sets the next
   * scale. Returns `scalerStep` for the optimiser: see `F16Update`.
   */
  step(scaledGradients: Tensor, loss: Tensor, step: Tensor, firstNonFinite: Tensor): Tensor {
    const { scale, counts, foundInf } = this;
    checkFiniteGradients(scaledGradients, loss, step, foundInf);
    return lossScale({ loss, step, foundInf, scale, counts, firstNonFinite }, this.attrs);
  }
}
