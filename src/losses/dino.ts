import { check, type Tensor } from '../graph/tensor.ts';
import { add } from '../ops/add.ts';
import { div, mul, sub } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { indexCopy } from '../ops/narrow.ts';
import { mean, sum } from '../ops/reduce.ts';
import { logSoftmax } from '../ops/softmax.ts';
import { exp, neg } from '../ops/unary.ts';
import { crossViewEntropy } from './cross_view.ts';
import { logSinkhorn } from './sinkhorn.ts';

/** What keeps a teacher's outputs from all being the same. */
export type Center = Tensor | 'sinkhorn';

/** What `dinoLoss` compares, and its constants. */
export interface DinoOptions {
  /** s [V · N, K]: the student's outputs for all crops, the two global ones first. */
  readonly student: Tensor;
  /** t [2 · N, K]: the teacher's for the global ones. */
  readonly teacher: Tensor;
  /** c [K]; or `sinkhorn`: in its place all outputs get an equal share of the batch. */
  readonly center: Center;
  /** τs and τt: numbers, or f32 [1] where a schedule feeds them. */
  readonly studentTemperature: number | Tensor;
  readonly teacherTemperature: number | Tensor;
}

/** What `dinoLoss` computes. */
export interface DinoLoss {
  /** [1] */
  readonly loss: Tensor;
  /** q [2 · N, K] */
  readonly targets: Tensor;
  /** `[1]`: the mean entropy of q. loss − entropy is the mean Kullback–Leibler divergence of predictions from targets. */
  readonly entropy: Tensor;
}

/**
 * Self-distillation (Caron et al., 2021, eq. 3), all f32: the student's outputs for a crop predict the teacher's, which are constants,
 * for each global crop but itself.
 *
 *   q_i = softmax((t_i − c)/τt);   loss = mean over i ∈ {1, 2} and crops v ≠ i of −Σ_k q_i log softmax(s_v/τs)
 *
 * Centring alone makes q uniform, sharpening by a small τt alone makes all q one and the same vector of a single 1; together they keep
 * both away. The entropy tells: it is log K in the first collapse, 0 in the second. In place of the centre, SwAV's Sinkhorn codes of all t
 * with ε = τt are targets that share the batch evenly (DINOv2; Oquab et al., 2023, § 4).
 */
export function dinoLoss(options: DinoOptions): DinoLoss {
  const { student, teacher, center, studentTemperature, teacherTemperature } = options;
  const { targets, entropy } = teacherTargets(teacher, center, teacherTemperature);
  return { loss: crossViewEntropy(div(student, studentTemperature), targets), targets, entropy };
}

/** Rounds of columns and rows; DINOv2's. */
const sinkhornIterations = 3;

/** Targets q of a teacher's outputs t [M, K], constant, and their mean entropy. */
export function teacherTargets(
  teacher: Tensor,
  center: Center,
  temperature: number | Tensor,
): Pick<DinoLoss, 'targets' | 'entropy'> {
  const fits = center === 'sinkhorn' || (teacher.shape.length === 2 && center.shape.join() === `${teacher.shape[1]}`);
  check(fits, 'dino', 'the centre must be [K] and the teacher’s outputs [M, K]', teacher);
  const logQ =
    center === 'sinkhorn'
      ? logSinkhorn(teacher, { epsilon: temperature, iterations: sinkhornIterations })
      : logSoftmax(div(sub(detach(teacher), center), temperature));
  const targets = exp(logQ);
  return { targets, entropy: neg(mean(sum(mul(targets, logQ), 1))) };
}

/**
 * Records c ← m c + (1 − m) · mean of the teacher's outputs t [2 · N, K], as they are, or of one row, which is their mean. Behind the loss,
 * which uses the centre as it was; nothing changes where `made` (u32 [1], of `Step.after`) is 0.
 */
export function updateCenter(center: Tensor, teacher: Tensor, momentum: number, made?: Tensor): void {
  const next = add(mul(center, momentum), mul(mean(teacher, 0), 1 - momentum));
  indexCopy(center, next, undefined, { made });
}
