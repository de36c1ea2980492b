import { blockTargets } from '../losses/block_targets.ts';
import { explained } from '../losses/picture_error.ts';
import { smoothL1 } from '../losses/smooth_l1.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { Linear } from '../nn/layers.ts';
import { transformerStd } from '../nn/transformer.ts';
import { MaskToken } from '../nn/vit.ts';
import { columnStd } from '../ops/column_std.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { expand, mean } from '../ops/reduce.ts';
import { linearBetween } from '../optim/schedule.ts';
import type { StepTime } from '../ssl/feeds.ts';
import { checkTransformer, hiddenPatches, hiddenPatchOptions, vitOf } from '../ssl/hidden_patches.ts';
import { defineMethod } from '../ssl/method.ts';
import { augmentationConfig, count, positive, share } from '../ssl/settings.ts';
import { stillOf, Teacher } from '../ssl/teacher.ts';

/**
 * data2vec for images (Baevski et al., 2022). A student f sees an image in which most patches are hidden behind a mask token, and predicts
 * what its teacher f', a slow average of it that sees all of the image, makes of these patches:
 *
 *   y = mean over the last K blocks of LN(block output of f'(x)) at the hidden patches, LN without scale and shift
 *   p = W f(x with mask tokens) + b at the hidden patches
 *   loss = mean of smooth L1_β(p − y),   then θ' ← τ θ' + (1 − τ) θ
 *
 * Targets are made of the whole image, so they are no words, pixels or other units of one place. Which patches are hidden is drawn anew in
 * every epoch, by seed, epoch and image, in rectangles. Features are those of the class token, which no loss is of: they are worth what
 * fine-tuning makes of them. Where all tokens become the same, the deviation of targets over the batch falls to 0.
 *
 * What differs from the paper: τ rises linearly over the whole run (the paper: over its first updates, and for images it stays at 0.9998);
 * positions are added to tokens, where it has BEiT's relative ones; vit_tiny by default (the paper: ViT-B and ViT-L).
 */
export const data2vec = defineMethod({
  name: 'data2vec',
  about:
    'a vision transformer that sees some patches predicts what a slow average of it makes of the others, seeing all',
  paper: 'Baevski et al., 2022, arXiv 2202.03555',
  meanOverImages: true,
  options: {
    ...hiddenPatchOptions(0.6),
    targetBlocks: count(1).max(12).default(6).describe('last blocks of the teacher whose outputs are averaged (K)'),
    beta: positive().default(2).describe('β of smooth L1: errors below it count by their squares'),
    emaMomentum: share().default(0.999).describe('momentum τ of the teacher in the first step'),
    emaMomentumEnd: share().default(0.9999).describe('its value after the last step, reached linearly'),
  },
  recipe: {
    ...{ architecture: 'vit_tiny', optimizer: 'adamw', lr: 2.5e-4, beta2: 0.98, weightDecay: 0.05 },
    ...{ excludeBiasAndNorm: true, clipNorm: 3, schedule: 'cosine', warmupEpochs: 40, epochs: 800, dropPath: 0.1 },
    ...{ cropMin: 0.2, grayscale: 0, blur: 0 },
  },
  short: { lr: 1e-3, warmupEpochs: 0.08, dropPath: 0, emaMomentum: 0.99, emaMomentumEnd: 0.999 },
  check: (settings, name) => checkTransformer(settings, name, 'method data2vec'),

  views: (settings) => [{ count: 1, size: settings.imageSize, augmentation: augmentationConfig(settings) }],

  create(settings, { training, batchSize: images }) {
    const { targetBlocks: K, beta, maskRatio: ratio, sampling, seed } = settings;
    const { emaMomentum: from, emaMomentumEnd: to } = settings;
    const [student, target] = [makeEncoder(settings), makeEncoder(stillOf(settings), 'teacher')].map(vitOf);
    const mask = new MaskToken('mask', student.dimensions, seed);
    const predictor = new Linear('predictor', student.dimensions, student.dimensions, seed, { std: transformerStd });
    const teacher = new Teacher([target], [student]);
    const momentum = ({ step, steps }: StepTime) => linearBetween(from, to, (step - 1) / steps);
    return {
      encoder: student,
      groups: [{ name: 'main', modules: [student, predictor, mask] }],
      kept: { teacher },
      step([x], feeds) {
        const hidden = hiddenPatches(feeds, { images, grid: student.shape.grid, ratio, sampling });
        const { patches } = student.tokens(x, training, { mask: hidden.mask, token: mask.token });
        const p = predictor.forward(gatherRows(patches, hidden.rows));
        const y = blockTargets(target.blockOutputs(x, training).slice(-K), hidden.rows);
        const loss = smoothL1(p, y, { beta });
        const guessed = smoothL1(expand(mean(y, 0, { keepdim: true }), y.shape), y, { beta });
        return {
          losses: [['main', () => loss]],
          log: { guessed, explained: explained(loss, guessed), targetStd: columnStd(y) },
          after: (made) => teacher.follow(feeds, momentum, made),
        };
      },
      metrics: {
        guessed: {
          ...{ label: 'guessed', format: 'number', epoch: 'mean' },
          note: 'what the loss is of guessing the mean target of the batch',
        },
        explained: {
          ...{ label: 'explained', format: 'percent', epoch: 'mean', guess: 0 },
          note: 'how much of that loss is gone; 100 % are the targets themselves',
        },
        targetStd: {
          ...{ label: 'std', format: 'number', epoch: 'last' },
          note: 'of the targets over the batch: below 1, as it is within a token; near 0 when collapsed',
          healthy: { value: 1, formula: 'that within a token' },
        },
      },
    };
  },
});
