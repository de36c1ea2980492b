import { check, type Tensor } from '../graph/tensor.ts';
import { apply, constant } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { mul } from '../ops/binary.ts';
import { infoNceOp, noKey } from '../ops/info_nce.ts';

/** Which keys are positives and candidates of which queries of `infoNce`. */
export interface InfoNceOptions {
  /** τ; f32 [1] where a schedule feeds it. It gets no gradient: one that is learnt multiplies the queries, with τ = 1. */
  readonly temperature: number | Tensor;
  /** u32 [M]: the key that is the positive of each query, counted over keys and queue. Default: key i of query i. */
  readonly target?: Tensor;
  /** u32 [M]: a key that is no candidate of the query, such as itself. Default, and for 0xffffffff: none. */
  readonly excluded?: Tensor;
  /** f32 [Q, D]: negatives of all queries, counted behind the keys, without a copy of both. */
  readonly queue?: Tensor;
  /** Each of the first `own` keys is the positive of one query, and no candidate of any other. Default 0: all are candidates of all. */
  readonly own?: number;
}

/** What `infoNce` computes. */
export interface InfoNce {
  /** [1] */
  readonly loss: Tensor;
  /** `[1]`: the share of queries whose positive is the most similar of their candidates. */
  readonly accuracy: Tensor;
  /** `[M]`: log-sum-exp over the candidates of each query. */
  readonly lse: Tensor;
}

/**
 * InfoNCE (van den Oord et al., 2018, eq. 4): cross-entropy of queries q [M, D] that have to find their positives among keys [K, D], f32 both,
 *
 *   loss = mean_i −log( exp(q_i · k_t(i) / τ) / Σ_j exp(q_i · k_j / τ) ),   j over the candidates of query i,
 *
 * which is `F.cross_entropy(q @ keys.T / temperature, target)` in PyTorch. The M × K matrix is never stored. Rows are taken as they are:
 * where cosines are compared, q and keys are `l2Normalize`d before. q and keys may be one tensor.
 *
 *   MoCo      infoNce(q, k, { queue, own: N, temperature })     logits [q_i·k_i, q_i·queue]/τ
 *   CLIP      half of infoNce(image, text, { temperature }) and of infoNce(text, image, { temperature })
 *   SimCSE    infoNce(z, z, { target, excluded, temperature })  excluded i, target i + 1 − 2 (i mod 2): NT-Xent of interleaved pairs
 *   N-pair    infoNce(anchor, positive, { temperature: 1 })     not normalised
 */
export function infoNce(q: Tensor, keys: Tensor, options: InfoNceOptions): InfoNce {
  const { queue, own = 0 } = options;
  const rows = q.shape[0];
  const diagonal = Uint32Array.from({ length: rows }, (_, i) => i);
  const target = options.target ?? constant('target', diagonal);
  const excluded = options.excluded ?? constant('excluded', new Uint32Array(rows).fill(noKey));
  const temperature = temperatureOf(options.temperature, 'info_nce', q);
  const inputs = [q, keys, target, excluded, temperature, ...(queue ? [queue] : [])];
  const [loss, accuracy, lse] = apply(infoNceOp, inputs, { own });
  return { loss, accuracy, lse };
}

/**
 * InfoNCE in both directions, half of each: rows of a and b [N, D] of one number belong together, and look for each other among those of the other
 * matrix. CLIP's loss; of two views of N images that of SimCLR without negatives of the same view. lse is that of a.
 */
export function symmetricInfoNce(a: Tensor, b: Tensor, options: Pick<InfoNceOptions, 'temperature'>): InfoNce {
  const [there, back] = [infoNce(a, b, options), infoNce(b, a, options)];
  const half = (x: Tensor, y: Tensor) => mul(add(x, y), 0.5);
  return { loss: half(there.loss, back.loss), accuracy: half(there.accuracy, back.accuracy), lse: there.lse };
}

/** A temperature as f32 [1]. */
export function temperatureOf(temperature: number | Tensor, op: string, x: Tensor): Tensor {
  if (typeof temperature !== 'number') return temperature;
  check(temperature > 0, op, `the temperature must be above 0, it is ${temperature}`, x);
  return constant('temperature', Float32Array.of(temperature));
}
