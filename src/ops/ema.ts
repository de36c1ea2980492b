import update from '../../kernels/ema/update.wgsl';
import updateF16 from '../../kernels/ema/update_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, flatAlignment, type Op, type Tensor } from '../graph/tensor.ts';
import { apply, constant } from '../graph/trace.ts';
import { copyOf, isCopyOf } from './f16_copy.ts';

interface EmaAttrs {
  /** Where in the source the target's layout begins, in elements. */
  readonly first: number;
}

/** θ' += rate (θ − θ') where made is not 0; θ the range of the source that begins at `first`. A copy of f16 of θ' is written too. */
export const emaOp: Op<EmaAttrs> = {
  name: 'ema',
  infer([target, source, rate, made, copy], { first }) {
    const flat = [target, source].every(({ dtype, size }) => dtype === 'f32' && size % flatAlignment === 0);
    check(flat, 'ema', 'target and source must be flat f32 variables', target, source);
    const fits = first >= 0 && first % flatAlignment === 0 && first + target.size <= source.size;
    check(fits, 'ema', `the target must fit into the source from element ${first} on`, target, source);
    check(rate.dtype === 'f32' && rate.size === 1, 'ema', 'rate must be f32 [1]', rate);
    check(made.dtype === 'u32' && made.size === 1, 'ema', 'made must be u32 [1]', made);
    if (copy) check(isCopyOf(copy, target), 'ema', 'the copy must be f16 and as long as the target', copy, target);
    return [];
  },
  launches: ({ inputs: [target, source, rate, made, copy], attrs: { first } }) => [
    {
      kernel: copy ? updateF16 : update,
      bindings: {
        ...{ target_weights: target, source_weights: source, rate, made },
        ...(copy && { half_weights: copy }),
      },
      params: { quads: target.size / 4, first: first / 4 },
      workgroups: grid1d(target.size / 4, 64),
      flops: 3 * target.size,
    },
  ],
  mutates: (_attrs, { length }) => (length > 4 ? [0, 4] : [0]),
};

export interface EmaOptions {
  /** f32 [1]: 1 − momentum, so that a momentum near 1 keeps its digits. */
  readonly rate: Tensor;
  /** u32 [1]: nothing is changed where it is 0. */
  readonly made?: Tensor | undefined;
}

/**
 * Records one step of an exponential moving average of weights, in one dispatch: target ← (1 − rate) target + rate source.
 *
 * Both are lists of variables that lie in flat ones, in the same order and of the same shapes; the targets are all that lie in theirs.
 * Error: they are not.
 */
export function ema(targets: readonly Tensor[], sources: readonly Tensor[], { rate, made }: EmaOptions): void {
  const [target, source] = [parentOf(targets), parentOf(sources)];
  const first = sources[0].flat!.offset;
  const same =
    targets.length === sources.length &&
    targets.every(({ flat, shape }, i) => {
      const other = sources[i];
      return other.flat!.offset - first === flat!.offset && other.shape.join() === shape.join();
    });
  if (!same || target.members.length !== targets.length)
    throw new Error('[ema] the averaged weights must be laid out like those that they follow');
  const copy = copyOf(target);
  const one = constant('made', Uint32Array.of(1));
  apply(emaOp, [target, source, rate, made ?? one, ...(copy ? [copy] : [])], { first });
}

function parentOf(variables: readonly Tensor[]): Tensor {
  const parent = variables[0]?.flat?.parent;
  if (!parent || variables.some(({ flat }) => flat?.parent !== parent))
    throw new Error('[ema] the weights must lie in one flat variable');
  return parent;
}
