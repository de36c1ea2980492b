import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { div, mul, sub } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { indexCopy } from '../ops/narrow.ts';
import { mean, sum } from '../ops/reduce.ts';
import { logSoftmax } from '../ops/softmax.ts';
import { exp, neg } from '../ops/unary.ts';
import { crossViewEntropy } from './cross_view.ts';

export interface DinoOptions {
  /** s [V · N, K]: the student's outputs for all crops, the two global ones first. */
  readonly student: Tensor;
  /** t [2 · N, K]: the teacher's for the global ones. */
  readonly teacher: Tensor;
  /** c [K] */
  readonly center: Tensor;
  /** τs and τt: numbers, or f32 [1] where a schedule feeds them. */
  readonly studentTemperature: number | Tensor;
  readonly teacherTemperature: number | Tensor;
}

export interface DinoLoss {
  /** [1] */
  readonly loss: Tensor;
  /** q [2 · N, K] */
  readonly targets: Tensor;
  /** [1]: the mean entropy of q. loss − entropy is the mean Kullback–Leibler divergence of predictions from targets. */
  readonly entropy: Tensor;
}

/**
 * Self-distillation (Caron et al., 2021, eq. 3), all f32: the student's outputs for a crop predict the teacher's, which are constants,
 * for each global crop but itself.
 *
 *   q_i = softmax((t_i − c)/τt);   loss = mean over i ∈ {1, 2} and crops v ≠ i of −Σ_k q_i log softmax(s_v/τs)
 *
 * Centring alone makes q uniform, sharpening by a small τt alone makes all q one and the same vector of a single 1; together they keep
 * both away. The entropy tells: it is log K in the first collapse, 0 in the second.
 */
export function dinoLoss(options: DinoOptions): DinoLoss {
  const { student, teacher, center, studentTemperature, teacherTemperature } = options;
  const fits = teacher.shape.length === 2 && center.shape.join() === `${teacher.shape[1]}`;
  check(fits, 'dino', 'the centre must be [K] and the teacher’s outputs [2 · N, K]', center, teacher);
  const logQ = logSoftmax(div(sub(detach(teacher), center), teacherTemperature));
  const targets = exp(logQ);
  const entropy = neg(mean(sum(mul(targets, logQ), 1)));
  return { loss: crossViewEntropy(div(student, studentTemperature), targets), targets, entropy };
}

/**
 * Records c ← m c + (1 − m) · mean of the teacher's outputs t [2 · N, K], as they are. Behind the loss, which uses the centre as it was;
 * nothing changes where `made` (u32 [1], of `Step.after`) is 0.
 */
export function updateCenter(center: Tensor, teacher: Tensor, momentum: number, made?: Tensor): void {
  const next = add(mul(center, momentum), mul(mean(teacher, 0), 1 - momentum));
  indexCopy(center, next, undefined, { made });
}
