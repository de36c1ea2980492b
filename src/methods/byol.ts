import { z } from 'zod';
import { negativeCosine } from '../losses/negative_cosine.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { mlp } from '../nn/mlp.ts';
import { add } from '../ops/add.ts';
import { mul } from '../ops/binary.ts';
import { columnStd } from '../ops/column_std.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { defineMethod } from '../ssl/method.ts';
import { embeddingStd } from '../ssl/metrics.ts';
import { secondViewOptions, twoKindsOfViews } from '../ssl/second_view.ts';
import { count, positive, share } from '../ssl/settings.ts';
import { momentumSchedule, stillOf, Teacher } from '../ssl/teacher.ts';

/**
 * BYOL (Grill et al., 2020). The online network predicts, from one view, what a target network makes of the other; the target is a
 * slow average of the online one. There are no negatives.
 *
 *   p₁, p₂ = q(g(f(x₁))), q(g(f(x₂)));   z'₁, z'₂ = g'(f'(x₁)), g'(f'(x₂))
 *   loss = ‖p̂₁ − ẑ'₂‖² + ‖p̂₂ − ẑ'₁‖² (means over the batch, 0 to 8);   then θ' ← m θ' + (1 − m) θ
 *
 * m rises by half a cosine to 1. The predictor q has no twin in the target. Each view passes alone, with batch statistics of its own;
 * the target's are of its own passes too. The second view is blurred seldom and solarised instead. Defaults are those of small
 * images (lightly); on ImageNet the paper has --head-width 4096 --ema-momentum 0.996 and LARS with a rate and a decay of its own.
 */
export const byol = defineMethod({
  name: 'byol',
  about: 'the network predicts what a slow average of itself makes of another view; no negatives',
  paper: 'Grill et al., 2020, arXiv 2006.07733',
  meanOverImages: true,
  options: {
    embeddingDim: count(1).max(8192).default(256).describe('size of the embedding z, and of its prediction'),
    headWidth: count(1).max(8192).default(1024).describe('width of the hidden layers of projector and predictor'),
    headOutputBias: z.boolean().default(false).describe('bias in the last layers of projector and predictor'),
    predictorLrFactor: positive().default(1).describe('the predictor’s learning rate as a multiple of the others’'),
    emaMomentum: share().default(0.99).describe('momentum m of the target in the first step'),
    emaMomentumEnd: share().default(1).describe('its value after the last step, reached by half a cosine'),
    ...secondViewOptions,
  },
  recipe: {
    ...{ optimizer: 'sgd', nesterov: false, lr: 0.12, weightDecay: 5e-4, schedule: 'cosine', epochs: 200 },
    ...{ jitterSaturation: 0.5, blur: 1 },
  },
  // A run of few steps only learns under a decay that is felt within these; a fast predictor keeps z from few directions.
  short: {
    ...{ lr: 0.03, weightDecay: 4e-3, headWidth: 256, predictorLrFactor: 10, emaMomentum: 0.97 },
    ...{ cropMin: 0.2, blur: 0, secondBlur: 0, secondSolarize: 0 },
  },

  views: twoKindsOfViews,

  create(settings, { training }) {
    const { embeddingDim, headWidth, headOutputBias: outputBias, predictorLrFactor, seed } = settings;
    const [f, target] = [makeEncoder(settings), makeEncoder(stillOf(settings), 'target')];
    const head = (name: string, inputs: number, network = '') =>
      mlp({ name, network, widths: [inputs, headWidth, embeddingDim], batchNorm: 'hidden', outputBias, seed });
    const [g, targetHead] = [head('projector', f.dimensions), head('projector', f.dimensions, 'target')];
    const q = head('predictor', embeddingDim);
    const teacher = new Teacher([target, targetHead], [f, g]);
    return {
      encoder: f,
      groups: [
        {
          name: 'main',
          modules: [f, g, q],
          parts: [{ modules: [q], lr: (scheduled) => predictorLrFactor * scheduled }],
        },
      ],
      kept: { target: teacher },
      step(views, feeds) {
        const [z1, z2] = views.map((view) => g.forward(f.forward(view, training), training));
        const [p1, p2] = [z1, z2].map((rows) => q.forward(rows, training));
        const [t1, t2] = views.map((view) => targetHead.forward(target.forward(view, training), training));
        const both = add(negativeCosine(p1, t2), negativeCosine(p2, t1));
        return {
          losses: [['main', () => add(mul(both, 2), 4)]],
          log: { embeddingStd: columnStd(l2Normalize(z1)) },
          after: (made) => teacher.follow(feeds, momentumSchedule(settings.emaMomentum, settings.emaMomentumEnd), made),
        };
      },
      metrics: { embeddingStd: embeddingStd(embeddingDim) },
      figures: [
        { kind: 'similarity', embed: (views) => g.forward(f.forward(views, { training: false }), { training: false }) },
      ],
    };
  },
});
