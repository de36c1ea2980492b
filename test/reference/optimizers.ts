import { flatAlignment } from '../../src/graph/tensor.ts';
import { flatLayout } from '../../src/graph/trace.ts';
import type { AdamAttrs } from '../../src/ops/adam.ts';
import type { LarsAttrs } from '../../src/ops/lars.ts';
import type { LossScaleAttrs } from '../../src/ops/loss_scale.ts';
import type { SgdAttrs } from '../../src/ops/sgd.ts';
import type { Definitions, Values } from './interpreter.ts';

const norm = (values: Values): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** What an optimiser is told last: firstNonFinite, or with a copy of the weights scalerStep [unscale, step]. */
function readSkipCondition(
  skipCondition: Values,
  copy: Values | undefined,
): { skipped: boolean; unscale: number; step: number } {
  if (!copy) return { skipped: skipCondition[0] !== 0, unscale: 1, step: NaN };
  return { skipped: skipCondition[0] === 0, unscale: skipCondition[0], step: skipCondition[1] };
}

export default {
  adam([theta, m, v, gradient, scalars, rows, skipCondition, copy], { attrs }) {
    const { beta1, beta2, eps, decoupled } = attrs as AdamAttrs;
    const { skipped, unscale, step } = readSkipCondition(skipCondition, copy);
    for (let i = 0; i < theta.length && !skipped; i++) {
      const [lr, ...given] = scalars.subarray(4 * rows[Math.floor(i / flatAlignment)]);
      const [stepSize, correction2] = copy ? [lr / (1 - beta1 ** step), Math.sqrt(1 - beta2 ** step)] : given;
      const weightDecay = given[2];
      const g = unscale * gradient[i] + (decoupled ? 0 : weightDecay * theta[i]);
      if (decoupled) theta[i] *= 1 - lr * weightDecay;
      m[i] = beta1 * m[i] + (1 - beta1) * g;
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      theta[i] -= (stepSize * m[i]) / (Math.sqrt(v[i]) / correction2 + eps);
    }
    if (!skipped) copy?.set(theta);
    return [];
  },

  sgd([theta, buffer, gradient, scalars, rows, skipCondition, copy], { attrs }) {
    const { momentum, nesterov } = attrs as SgdAttrs;
    const { skipped, unscale } = readSkipCondition(skipCondition, copy);
    for (let i = 0; i < theta.length && !skipped; i++) {
      const [lr, weightDecay] = scalars.subarray(2 * rows[Math.floor(i / flatAlignment)]);
      const g = unscale * gradient[i] + weightDecay * theta[i];
      buffer[i] = momentum * buffer[i] + g;
      theta[i] -= lr * (nesterov ? g + momentum * buffer[i] : buffer[i]);
    }
    if (!skipped) copy?.set(theta);
    return [];
  },

  /** Goes by the members of the weights, not by the kernels' tables, but for which parameters are adapted and their rates. */
  lars([theta, buffer, gradient, scalars, skipCondition, chunks, parameters, copy], { attrs, inputs: [weights] }) {
    const { momentum, eta } = attrs as LarsAttrs;
    const { skipped, unscale } = readSkipCondition(skipCondition, copy);
    const { offsets } = flatLayout(weights.members);
    for (const [p, member] of weights.members.entries()) {
      if (skipped) continue;
      const adapted = parameters[4 * p + 2] === 1;
      const [lr, weightDecay] = scalars.subarray(2 * Math.floor(chunks[4 * parameters[4 * p] + 3] / 2));
      const range = [offsets[p], offsets[p] + member.size] as const;
      const g = gradient
        .slice(...range)
        .map((value, i) => unscale * value + (adapted ? weightDecay * theta[range[0] + i] : 0));
      const norms = [norm(theta.slice(...range)), norm(g)];
      const trust = adapted && norms[0] > 0 && norms[1] > 0 ? (eta * norms[0]) / norms[1] : 1;
      g.forEach((value, i) => {
        buffer[range[0] + i] = momentum * buffer[range[0] + i] + lr * trust * value;
        theta[range[0] + i] -= buffer[range[0] + i];
      });
    }
    if (!skipped) copy?.set(theta);
    return [];
  },

  loss_scale([[loss], [step], foundInf, scale, counts, firstNonFinite], { attrs }) {
    const { growthInterval, growth, backoff } = attrs as LossScaleAttrs;
    const found = foundInf[0] !== 0;
    foundInf[0] = 0;
    const lost = !Number.isFinite(loss) || (found && scale[0] * backoff < 1);
    if (firstNonFinite[0] === 0 && lost) firstNonFinite[0] = step;
    if (firstNonFinite[0] !== 0) return [Float64Array.of(0, 0)];
    if (found) {
      scale[0] *= backoff;
      counts.set([0, counts[1], counts[2] + 1]);
      return [Float64Array.of(0, 0)];
    }
    const scalerStep = Float64Array.of(1 / scale[0], counts[1] + 1);
    const grows = counts[0] + 1 === growthInterval;
    counts.set([grows ? 0 : counts[0] + 1, counts[1] + 1, counts[2]]);
    if (grows && Number.isFinite(Math.fround(scale[0] * growth))) scale[0] *= growth;
    return [scalerStep];
  },

  check_finite([gradients, [loss], [step], firstNonFinite]) {
    if (firstNonFinite[0] === 0 && ![...gradients, loss].every(Number.isFinite)) firstNonFinite[0] = step;
    return [];
  },
} satisfies Definitions;
