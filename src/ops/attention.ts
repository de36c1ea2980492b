import backwardKeys from '../../kernels/attention/backward_keys.wgsl';
import backwardKeysF16 from '../../kernels/attention/backward_keys_f16.wgsl';
import backwardQueries from '../../kernels/attention/backward_queries.wgsl';
import backwardQueriesF16 from '../../kernels/attention/backward_queries_f16.wgsl';
import forward from '../../kernels/attention/forward.wgsl';
import forwardF16 from '../../kernels/attention/forward_f16.wgsl';
import type { DeviceTraits } from '../gpu/device.ts';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

const kernels = {
  f32: { forward, backwardQueries, backwardKeys },
  f16: { forward: forwardF16, backwardQueries: backwardQueriesF16, backwardKeys: backwardKeysF16 },
};
const kernelsOf = ({ dtype }: Tensor) => kernels[dtype === 'f16' ? 'f16' : 'f32'];

interface Attrs {
  readonly causal: boolean;
}

/** The most numbers of a row that the kernels hold. */
export const mostAttentionDimensions = 64;

/** y = softmax(q kᵀ / √d) v, and lse [B, T], the logarithms of the sums of exp. */
export const attentionOp: Op<Attrs> = {
  name: 'attention',
  infer([q, k, v], { causal }) {
    const types = [q, k, v].every(({ dtype }) => dtype === q.dtype && (dtype === 'f32' || dtype === 'f16'));
    check(types && q.shape.length === 3, 'attention', 'q, k and v must be f32 [B, T, d], or all f16', q, k, v);
    const [batch, queries, dimensions] = q.shape;
    const fit = k.shape.join() === v.shape.join() && k.shape[0] === batch && k.shape[2] === dimensions;
    check(fit, 'attention', 'k and v must be [B, S, d] for q [B, T, d]', q, k, v);
    const whole = dimensions % 4 === 0 && dimensions <= mostAttentionDimensions;
    check(whole, 'attention', `d must be a multiple of 4, at most ${mostAttentionDimensions}`, q);
    check(!causal || k.shape[1] === queries, 'attention', 'causal attention has as many keys as queries', q, k);
    return [q, { shape: [batch, queries], dtype: 'f32' }];
  },
  launches({ inputs: [q, k, v], outputs: [y, lse], attrs, device }) {
    const { constants, params, pairs } = sizes(q, k, attrs, device);
    const kernel = kernelsOf(q).forward;
    return [
      { kernel, constants, bindings: { q, k, v, y, lse }, params, workgroups: fours(q), flops: 4 * pairs * q.shape[2] },
    ];
  },
  gradient: ({ inputs, outputs: [y, lse], attrs }, [dy]) =>
    dy ? apply(attentionBackwardOp, [dy, ...inputs, y, lse], attrs) : [],
};

/** dq, dk and dv: probabilities are computed once more, from lse. */
export const attentionBackwardOp: Op<Attrs> = {
  name: 'attention_backward',
  infer([dy, q, k, v]) {
    const like = dy.shape.join() === q.shape.join() && dy.dtype === q.dtype;
    check(like, 'attention_backward', 'dy must be like q', dy, q);
    return [q, k, v];
  },
  launches({ inputs: [dy, q, k, v, y, lse], outputs: [dq, dk, dv], attrs, device }) {
    const { constants, params, pairs } = sizes(q, k, attrs, device);
    const delta = new Scratch('attention delta', lse.size * bytesPerElement);
    const { backwardQueries: ofQueries, backwardKeys: ofKeys } = kernelsOf(q);
    const flops = pairs * q.shape[2];
    const first: Launch = {
      ...{ kernel: ofQueries, constants, params, workgroups: fours(q), flops: 6 * flops },
      bindings: { q, k, v, dy, y, lse, dq, delta },
    };
    const second: Launch = {
      ...{ kernel: ofKeys, constants, params, workgroups: fours(k), flops: 8 * flops },
      bindings: { q, k, v, dy, lse, delta, dk, dv },
    };
    return [first, second];
  },
};

/** An invocation for four rows of x [B, rows, d]. */
const fours = ({ shape: [batch, rows] }: Tensor) => grid1d(batch * Math.ceil(rows / 4), 64);

function sizes(q: Tensor, { shape: [, keys] }: Tensor, { causal }: Attrs, { software }: DeviceTraits) {
  const [batch, queries, dimensions] = q.shape;
  const quads = dimensions / 4;
  return {
    constants: { causal: Number(causal), fixed_quads: software ? 0 : quads },
    params: { batch, queries, keys, quads, scale: 1 / Math.sqrt(dimensions) },
    pairs: causal ? (batch * queries * (keys + 1)) / 2 : batch * queries * keys,
  };
}

/**
 * As `torch.nn.functional.scaled_dot_product_attention`: softmax(q kᵀ / √d) v for q [B, T, d], k and v [B, S, d], f32 or f16 → [B, T, d] of
 * that type, without a stored matrix [T, S] (Dao et al., 2022): memory grows with T + S, and the backward pass computes the scores again. d is
 * a multiple of 4, at most 64.
 *
 * @param causal query i sees keys 0 … i alone; then T = S
 */
export const scaledDotProductAttention = (
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { causal = false }: Partial<Attrs> = {},
): Tensor => apply(attentionOp, [q, k, v], { causal })[0];
