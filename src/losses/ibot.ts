import { check } from '../graph/tensor.ts';
import { div, mul } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { mean, sum } from '../ops/reduce.ts';
import { logSoftmax } from '../ops/softmax.ts';
import { neg } from '../ops/unary.ts';
import { type DinoLoss, type DinoOptions, teacherTargets } from './dino.ts';

/**
 * Masked image modelling with a teacher (iBOT; Zhou et al., 2022, arXiv 2111.07832, eq. 2), all f32: what the student's head says of the
 * tokens of hidden patches, s [M, K], predicts what the teacher's says of the same patches, t [M, K], which it sees.
 *
 *   q_m = softmax((t_m − c)/τt), or Sinkhorn's codes;   loss = mean over hidden patches m of −Σ_k q_m log softmax(s_m/τs)
 *
 * The mean over patches is that over images of the means of theirs where each has as many hidden. Loss and entropy of uniform targets are
 * log K.
 */
export function ibotLoss(options: DinoOptions): DinoLoss {
  const { student, teacher, center, studentTemperature, teacherTemperature } = options;
  const fit = student.shape.length === 2 && student.shape.join() === teacher.shape.join();
  check(fit, 'ibot', 'student and teacher must have outputs of the same patches, [M, K]', student, teacher);
  const { targets, entropy } = teacherTargets(teacher, center, teacherTemperature);
  const loss = neg(mean(sum(mul(detach(targets), logSoftmax(div(student, studentTemperature))), 1)));
  return { loss, targets, entropy };
}
