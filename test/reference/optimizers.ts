import { flatLayout } from '../../src/graph/trace.ts';
import type { AdamAttrs } from '../../src/ops/adam.ts';
import type { LarsAttrs } from '../../src/ops/lars.ts';
import type { SgdAttrs } from '../../src/ops/sgd.ts';
import type { Definitions, Values } from './interpreter.ts';

const norm = (values: Values): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

export default {
  adam([theta, m, v, gradient, [lr, stepSize, correction2], [firstBad]], { attrs }) {
    const { beta1, beta2, eps, weightDecay, decoupled } = attrs as AdamAttrs;
    for (let i = 0; i < theta.length && firstBad === 0; i++) {
      const g = gradient[i] + (decoupled ? 0 : weightDecay * theta[i]);
      if (decoupled) theta[i] *= 1 - lr * weightDecay;
      m[i] = beta1 * m[i] + (1 - beta1) * g;
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      theta[i] -= (stepSize * m[i]) / (Math.sqrt(v[i]) / correction2 + eps);
    }
    return [];
  },

  sgd([theta, buffer, gradient, [lr], [firstBad]], { attrs }) {
    const { momentum, weightDecay, nesterov } = attrs as SgdAttrs;
    for (let i = 0; i < theta.length && firstBad === 0; i++) {
      const g = gradient[i] + weightDecay * theta[i];
      buffer[i] = momentum * buffer[i] + g;
      theta[i] -= lr * (nesterov ? g + momentum * buffer[i] : buffer[i]);
    }
    return [];
  },

  /** Goes by the members of the weights, not by the kernels' tables, but for which parameters are adapted. */
  lars([theta, buffer, gradient, [lr], [firstBad], _chunks, parameters], { attrs, inputs: [weights] }) {
    const { momentum, weightDecay, eta } = attrs as LarsAttrs;
    const { offsets } = flatLayout(weights.members);
    for (const [p, member] of weights.members.entries()) {
      if (firstBad !== 0) continue;
      const adapted = parameters[4 * p + 2] === 1;
      const range = [offsets[p], offsets[p] + member.size] as const;
      const g = gradient.slice(...range).map((value, i) => value + (adapted ? weightDecay * theta[range[0] + i] : 0));
      const norms = [norm(theta.slice(...range)), norm(g)];
      const trust = adapted && norms[0] > 0 && norms[1] > 0 ? (eta * norms[0]) / norms[1] : 1;
      g.forEach((value, i) => {
        buffer[range[0] + i] = momentum * buffer[range[0] + i] + lr * trust * value;
        theta[range[0] + i] -= buffer[range[0] + i];
      });
    }
    return [];
  },

  guard([gradients, [loss], [step], firstBad]) {
    if (firstBad[0] === 0 && ![...gradients, loss].every(Number.isFinite)) firstBad[0] = step;
    return [];
  },
} satisfies Definitions;
