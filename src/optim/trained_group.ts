/** The end of a training step for one group of parameters: from a loss to updated weights, in f32 and in half precision. */
import type { Tensor } from '../graph/tensor.ts';
import { flatVariable, variable } from '../graph/trace.ts';
import { addShared } from '../ops/add_inplace.ts';
import { checkFiniteGradients } from '../ops/check_finite.ts';
import { type ClipAttrs, clipGradNorm } from '../ops/clip_grad_norm.ts';
import { f16Copy } from '../ops/f16_copy.ts';
import { flatten } from '../ops/flatten.ts';
import { gradients } from '../ops/gradients.ts';
import type { Precision } from '../ops/precision.ts';
import { LossScaling } from './loss_scaling.ts';
import type { Optimizer } from './optimizer.ts';

export interface TrainedGroupOptions {
  /** f16: convolutions that are traced after this read f16 copies of the weights, and the loss is scaled in the gradients. */
  readonly precision: Precision;
  /** Makes the optimiser for the flat variable of all weights. */
  readonly optimizer: (weights: Tensor) => Optimizer;
  /** How long gradients may be. */
  readonly clip?: ClipAttrs;
}

type Entries = readonly { readonly tensor: Tensor }[];

/**
 * Gradients that go to other processes at once, at least: 4 MiB. Smaller parts could be sent earlier, and would cost a submission, a
 * copy and an exchange each.
 */
const elementsExchanged = 2 ** 20;

/** The flat variable in which variables lie; they are laid into a new one where they lie in none. */
export function layFlat(name: string, entries: Entries): Tensor {
  const parameters = entries.map(({ tensor }) => tensor);
  return parameters[0].flat?.parent ?? flatVariable(name, parameters);
}

/** Has convolutions that are traced after this read f16 copies of weights that are not trained: made once, not in every step. */
export const copyAsF16 = (name: string, entries: Entries): Tensor => f16Copy(layFlat(name, entries));

/** The weights that one optimiser changes, in one flat variable, and how a step changes them. */
export class TrainedGroup {
  private readonly parameters: readonly Tensor[];
  readonly flat: Tensor;
  readonly optimizer: Optimizer;
  private readonly clip: ClipAttrs | undefined;
  /** Set in f16. */
  readonly scaling: LossScaling | undefined;
  /** u32 [1]: the first step whose loss or gradients were not finite, in f16 at any scale; 0 while there was none. */
  readonly firstNonFinite = variable('first_non_finite', [1], undefined, 'u32');

  /** @param parameters f32 variables: all that lie in one flat variable, or such as lie in none yet */
  constructor(
    readonly name: string,
    parameters: Entries,
    { optimizer, precision, clip }: TrainedGroupOptions,
  ) {
    this.parameters = parameters.map(({ tensor }) => tensor);
    this.flat = layFlat(`weights of ${name}`, parameters);
    this.optimizer = optimizer(this.flat);
    this.clip = clip;
    if (precision === 'f32') return;
    f16Copy(this.flat); // from here on convolutions find it
    this.scaling = new LossScaling();
  }

  /** What d loss / d loss is in the backward pass; undefined where it is 1. */
  get seed(): Tensor | undefined {
    return this.scaling?.scale;
  }

  /** Records the flat gradients of `y`, a loss, or any tensor with its own gradient `dy`. */
  gradientsOf(y: Tensor, dy = this.seed): Tensor {
    return flatten(gradients(y, this.parameters, dy));
  }

  /**
   * Records that the flat gradients of `y` are added to `sum`, as `addShared` does: a sum over pieces of the batch and over processes, which
   * exchange a part of it while the backward pass goes on.
   */
  addGradients(sum: Tensor, position: Tensor, y: Tensor, dy = this.seed): void {
    addShared(sum, this.gradientsOf(y, dy), position, elementsExchanged);
  }

  /**
   * Records the update, which is left out from the first step on whose loss or gradients are not finite. In f16 the gradients are
   * scaled, a step that overflows is skipped and the scale halved. Returns what a step tells of itself: firstNonFinite, and in f16
   * the next step's lossScale and the counts of steps, lossScaleCounts; and `scalerStep` (f32 [2]), which is [0, 0] where a step in
   * f16 is skipped.
   *
   * @param step u32 [1], counts from 1
   */
  update(flatGradients: Tensor, loss: Tensor, step: Tensor): { outputs: Record<string, Tensor>; scalerStep?: Tensor } {
    const { firstNonFinite, optimizer, scaling } = this;
    if (!scaling) {
      checkFiniteGradients(flatGradients, loss, step, firstNonFinite);
      optimizer.update(this.clipped(flatGradients), firstNonFinite);
      return { outputs: { firstNonFinite } };
    }
    const scalerStep = scaling.step(flatGradients, loss, step, firstNonFinite);
    optimizer.update(this.clipped(flatGradients, scalerStep), firstNonFinite, { scalerStep, copy: f16Copy(this.flat) });
    return { outputs: { firstNonFinite, lossScale: scaling.scale, lossScaleCounts: scaling.counts }, scalerStep };
  }

  private clipped(flatGradients: Tensor, scalerStep?: Tensor): Tensor {
    return this.clip ? clipGradNorm(flatGradients, this.flat, this.clip, scalerStep) : flatGradients;
  }
}
