import { check, type Node, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';
import {
  backwardLaunches,
  forwardLaunches,
  type InfoNceAttrs,
  type InfoNceBackwardAttrs,
} from './info_nce_launches.ts';

/** Excludes no key: see `infoNceOp`. */
export const noKey = 0xffffffff;

/**
 * loss = 1/M Σ_i [lse_i − s_i,t(i)], lse_i = log Σ_j exp s_ij, s_ij = q_i·k_j / temperature, for M queries and K keys: the rows of `keys`
 * and, behind them, those of `queue`, if there is one. t(i) = target[i]; the sum is over the candidates of query i: all keys but
 * excluded[i], and of the first `own` keys its target only.
 * accuracy: the share of queries whose first candidate with the largest s is the target, as in `argmax`. A target that is no key makes the
 * loss NaN. The M × K matrix is never stored; lse [M] is saved for the gradient. There is no gradient to the temperature.
 */
export const infoNceOp: Op<InfoNceAttrs> = {
  name: 'info_nce',
  infer([q, keys, target, excluded, temperature, queue], { own }) {
    const matrices = [q, keys, ...(queue ? [queue] : [])];
    const fit = matrices.every(({ shape, dtype }) => shape.length === 2 && dtype === 'f32' && shape[1] === q.shape[1]);
    check(fit, 'info_nce', 'queries, keys and queue must be f32 matrices with rows of one length', ...matrices);
    const numbers = [target, excluded];
    const each = numbers.every(({ shape, dtype }) => dtype === 'u32' && shape.join() === `${q.shape[0]}`);
    check(each, 'info_nce', 'target and excluded must be one u32 for each query', ...numbers, q);
    const scalar = temperature.dtype === 'f32' && temperature.size === 1;
    check(scalar, 'info_nce', 'the temperature must be f32 [1]', temperature);
    const some = Number.isInteger(own) && own >= 0 && own <= keys.shape[0];
    check(some, 'info_nce', `own must be a number of keys, it is ${own}`, keys);
    return [
      { shape: [1], dtype: 'f32' },
      { shape: [1], dtype: 'f32' },
      { shape: target.shape, dtype: 'f32' },
    ];
  },
  launches: forwardLaunches,
  gradient: (node, [dloss]) => (dloss ? gradientsOf(node, dloss) : []),
};

/** The gradients of queries, keys and queue are nodes of their own, so that only those that something needs are computed. */
function gradientsOf({ inputs, outputs: [, , lse], attrs: { own } }: Node<InfoNceAttrs>, dloss: Tensor) {
  const [q, keys, target, excluded, temperature, queue] = inputs;
  const gradient = (x: Tensor, others: readonly Tensor[], of: InfoNceBackwardAttrs['of'], first = 0) =>
    apply(infoNceBackwardOp, [dloss, lse, target, excluded, temperature, x, ...others], { own, of, first })[0];
  if (q === keys && !queue) return [gradient(q, [q], 'both')];
  return [
    gradient(q, queue ? [keys, queue] : [keys], 'queries'),
    gradient(keys, [q], 'keys'),
    ...[undefined, undefined, undefined],
    queue && gradient(queue, [q], 'keys', keys.shape[0]),
  ];
}

/**
 * With A = dloss (P − Y) / (M temperature), P_ij = exp(s_ij − lse_i) for candidates, else 0, and Y the one-hot rows of the targets:
 * dq = A k of queries, dk = Aᵀ q of keys, and (A + Aᵀ) q where the queries are the keys.
 */
export const infoNceBackwardOp: Op<InfoNceBackwardAttrs> = {
  name: 'info_nce_backward',
  infer: ([, , , , , x]) => [x],
  launches: backwardLaunches,
};
