import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { mul } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { sum } from '../ops/reduce.ts';
import { logSoftmax } from '../ops/softmax.ts';
import { concat, slice } from '../ops/strided_copy.ts';

/**
 * Cross-entropy between views, of SwAV (Caron et al., 2020, eq. 2) and DINO (Caron et al., 2021, eq. 3): each of V views of an image
 * predicts what each of its G first views, the global ones, is assigned to, but for itself. Logits [V · N, K] (divided by their
 * temperature) and targets q [G · N, K], f32, view v of image i in row v · N + i; targets are constants. f32 [1]:
 *
 *   loss = 1/(G (V − 1)) Σ_{i < G} Σ_{v ≠ i} mean over images of −Σ_k q_i log softmax(logits_v)
 *
 * Rows of targets sum to one, so uniform predictions give log K.
 */
export function crossViewEntropy(logits: Tensor, targets: Tensor, globals = 2): Tensor {
  const images = targets.shape[0] / globals;
  const views = logits.shape[0] / images;
  const fit = targets.shape[1] === logits.shape[1] && [images, views].every(Number.isInteger) && views >= globals;
  check(fit, 'cross_view_entropy', `expected [views · N, K] and [${globals} · N, K]`, logits, targets);
  check(globals >= 2, 'cross_view_entropy', 'there must be two global views or more', logits);
  const q = Array.from({ length: globals }, (_, i) => slice(detach(targets), 0, i * images, (i + 1) * images));
  /** Σ of the targets of all global views but one. */
  const targetsBut = (view: number) => q.filter((_, i) => i !== view).reduce((a, b) => add(a, b));
  const ofGlobals = q.map((_, view) => targetsBut(view));
  const ofLocals = views > globals ? new Array<Tensor>(views - globals).fill(targetsBut(-1)) : [];
  const wanted = concat([...ofGlobals, ...ofLocals], 0);
  return mul(sum(mul(wanted, logSoftmax(logits))), -1 / (globals * (views - 1) * images));
}
