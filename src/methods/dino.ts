import { z } from 'zod';
import { normalization } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { variable } from '../graph/trace.ts';
import type { Naming } from '../io/checked.ts';
import { type Center, dinoLoss, updateCenter } from '../losses/dino.ts';
import { ibotLoss } from '../losses/ibot.ts';
import { koleo } from '../losses/koleo.ts';
import { isVit } from '../nn/encoder_shape.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { mlp } from '../nn/mlp.ts';
import { inNetwork, type Mode } from '../nn/module.ts';
import { WeightNormLinear } from '../nn/prototypes.ts';
import { transformerStd } from '../nn/transformer.ts';
import { MaskToken } from '../nn/vit.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { columnStd } from '../ops/column_std.ts';
import { detach } from '../ops/detach.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { mean } from '../ops/reduce.ts';
import { concat, slice } from '../ops/strided_copy.ts';
import { cosineBetween } from '../optim/schedule.ts';
import { attentionMaps } from '../ssl/attention_maps.ts';
import type { StepTime } from '../ssl/feeds.ts';
import { FrozenStart } from '../ssl/frozen_start.ts';
import { checkTransformer, hiddenPatches, hiddenPatchOptions, seenBy, vitOf } from '../ssl/hidden_patches.ts';
import { defineMethod, type Settings } from '../ssl/method.ts';
import { embeddingStd } from '../ssl/metrics.ts';
import { checkLocalCrops, localCrops, multiCropOptions } from '../ssl/multi_crop.ts';
import { secondViewOptions, twoKindsOfViews } from '../ssl/second_view.ts';
import {
  chanceOfTargets,
  distillationOptions,
  koleoMetric,
  patchTargetMetrics,
  targetMetrics,
  teacherTemperatureOf,
} from '../ssl/self_distillation.ts';
import { count, positive, share } from '../ssl/settings.ts';
import { pieceOf } from '../ssl/shares.ts';
import { momentumSchedule, stillOf, Teacher } from '../ssl/teacher.ts';

const still = { training: false };

const options = {
  outputs: count(2).max(65536).default(2048).describe('outputs of the head (K)'),
  embeddingDim: count(1).max(8192).default(256).describe('size of the rows that the last layer compares'),
  headDepth: count(1).max(4).default(3).describe('linear layers of the head before the last layer'),
  headWidth: count(1).max(8192).default(2048).describe('width of its hidden layers'),
  headBatchNorm: z
    .boolean()
    .default(true)
    .describe('batch norm after its hidden layers; vision transformers need none'),
  ...distillationOptions,
  emaMomentum: share().default(0.99).describe('momentum m of the teacher in the first step'),
  emaMomentumEnd: share().default(1).describe('its value after the last step, reached by half a cosine'),
  weightDecayFactor: positive().default(1).describe('the last step’s weight decay as a multiple of the first’s'),
  frozenEpochs: z.number().min(0).default(1).describe('first epochs, in which the last layer stays as it is'),
  ibotWeight: z
    .number()
    .min(0)
    .default(0)
    .describe('weight of iBOT’s loss, of the tokens of hidden patches of a vision transformer; 0: none'),
  ...hiddenPatchOptions(0.3),
  koleoWeight: z
    .number()
    .min(0)
    .default(0)
    .describe('weight of the KoLeo loss, which drives the features of different images apart (0.1); 0: none'),
  ...secondViewOptions,
  localBlur: share().default(0.5).describe('probability of Gaussian blur in local crops'),
  ...multiCropOptions(0.05, 0.4),
};
type Own = Settings<typeof options>;

/** UserError: iBOT without a vision transformer, or its settings without it. */
function checkIbot(settings: Own, name: Naming, given: (setting: string) => boolean): void {
  const weight = name('ibotWeight');
  const unused = settings.ibotWeight === 0 && Object.keys(hiddenPatchOptions()).find(given);
  if (unused) throw new UserError(`${name(unused)} is only used with ${weight}; add it`, 2);
  if (settings.ibotWeight > 0) checkTransformer(settings, name, `${weight} is above 0`);
}

/**
 * DINO (Caron et al., 2021). A student sees all V crops of an image and predicts what its teacher, a slow average of it, makes of the two
 * global ones. Nothing is compared with other images: centring and sharpening of the teacher keep it from collapse.
 *
 *   s = g(f(x)) for all crops;   t = g'(f'(x)) for the global ones;   g(h) = cosines of mlp(h) with K directions
 *   loss = mean over i ∈ {1, 2} and crops v ≠ i of −Σ_k softmax((t_i − c)/τt) log softmax(s_v/τs)
 *   then c ← 0.9 c + 0.1 · mean of t,   θ' ← m θ' + (1 − m) θ
 *
 * m rises by half a cosine to 1, the weight decay by another one, τt linearly over the first epochs; the last layer learns from the
 * second epoch on. Crops of one size pass through f together, all through the head. Small ResNets need batch norm in it, and its first
 * values are PyTorch's then; without it they are the paper's, N(0, 0.02²). Defaults are lightly's for small images; the paper's for a
 * ResNet-50 on ImageNet are --lr 0.03 --weight-decay 1e-4 --outputs 65536 --ema-momentum 0.996 --crop-min 0.14 --local-crop-max 0.14, and
 * those of vision transformers are the paper's but for the number of outputs.
 *
 * DINOv2 (Oquab et al., 2023, arXiv 2304.07193) adds, each by its setting:
 *
 *   iBOT    patches of one of an image's global views, whichever is drawn, are hidden from the student, a mask token in their places. What
 *           its head says of them predicts what the teacher's says, with a centre of their own. (iBOT draws how many and in which views,
 *           so that a view has none in half of the cases; here each image has as many, and the loss is their mean.)
 *   KoLeo   in each global view, the student's features of an image are driven away from the nearest other's; summed over the two. Of
 *           several processes each looks among its own images, as DINOv2's do
 *   Sinkhorn's codes of all t in place of softmax((t − c)/τt)
 */
export const dino = defineMethod({
  name: 'dino',
  about:
    'small crops predict what a slow average of the network makes of large ones, centred and sharpened; no negatives',
  paper: 'Caron et al., 2021, arXiv 2104.14294',
  headActivation: 'gelu',
  meanOverImages: true,
  onlyAlone: ({ centering }, name) =>
    centering === 'mean'
      ? undefined
      : `${name('centering')} ${centering} shares outputs over the whole batch; use mean`,
  options,
  recipe: {
    ...{ optimizer: 'sgd', nesterov: false, lr: 0.12, weightDecay: 5e-4, excludeBiasAndNorm: true, clipNorm: 3 },
    ...{ clipPer: 'tensor', schedule: 'cosine', warmupEpochs: 10, epochs: 200 },
    ...{ cropMin: 0.4, jitterSaturation: 0.5, blur: 1 },
  },
  // Embeddings of an encoder that has learnt little are much alike: a teacher of τt 0.04 makes near uniform targets of them, and the two
  // networks agree on those. Of local crops of few pixels it learns less, in more time.
  short: {
    ...{ lr: 0.03, weightDecay: 4e-3, outputs: 256, embeddingDim: 64, headWidth: 256, headDepth: 2, localCrops: 0 },
    ...{ teacherTemperature: 0.02, teacherTemperatureEnd: 0.02, frozenEpochs: 0.1, warmupEpochs: 0 },
    ...{ cropMin: 0.2, blur: 0, secondBlur: 0, secondSolarize: 0 },
  },
  onTransformer: {
    recipe: {
      ...{ optimizer: 'adamw', lr: 5e-4, weightDecay: 0.04, weightDecayFactor: 10 },
      ...{ headBatchNorm: false, emaMomentum: 0.996, dropPath: 0.1 },
    },
    short: { lr: 2.5e-4, weightDecay: 0.04, emaMomentum: 0.99, warmupEpochs: 0.5, dropPath: 0 },
  },
  check(settings, name, given) {
    checkLocalCrops(settings, name);
    checkIbot(settings, name, given);
    if (settings.koleoWeight > 0 && pieceOf(settings) < 2)
      throw new UserError(`${name('koleoWeight')} drives images apart that pass at once, and there is only one`, 2);
  },

  views(settings) {
    return [...twoKindsOfViews(settings), ...localCrops(settings, { blur: settings.localBlur })];
  },

  create(settings, { training, batchSize: images }) {
    const {
      outputs: K,
      embeddingDim,
      studentTemperature,
      ibotWeight,
      koleoWeight,
      maskRatio: ratio,
      sampling,
    } = settings;
    const [student, target] = [networkOf(settings), networkOf(settings, 'teacher')];
    const teacher = new Teacher(Object.values(target), Object.values(student));
    const mask = ibotWeight > 0 ? new MaskToken('mask', student.f.dimensions, settings.seed) : undefined;
    const centerNamed = (name: string): Center => (settings.centering === 'mean' ? variable(name, [K]) : 'sinkhorn');
    const [center, patchCenter] = [centerNamed('center'), centerNamed('patch_center')];
    const start = new FrozenStart(settings.frozenEpochs);
    const { weightDecay: first, weightDecayFactor } = settings;
    const weightDecay = ({ step, steps }: StepTime) =>
      cosineBetween(first, first * weightDecayFactor, (step - 1) / steps);
    return {
      encoder: student.f,
      groups: [
        {
          name: 'main',
          modules: [...Object.values(student), ...(mask ? [mask] : [])],
          weightDecay,
          parts: [start.part([student.last], weightDecay)],
        },
      ],
      kept: {
        teacher,
        ...(center !== 'sinkhorn' && { center }),
        ...(mask && patchCenter !== 'sinkhorn' && { patchCenter }),
      },
      step([one, two, ...locals], feeds) {
        const globals = concat([one, two], 0);
        const open = start.open(feeds);
        const hidden =
          mask && hiddenPatches(feeds, { images, grid: vitOf(student.f).shape.grid, ratio, sampling, views: 2 });
        const own = seenBy(student.f, [globals, ...locals], training, hidden && { ...hidden, token: mask.token });
        const known = seenBy(target.f, [globals], training, hidden);
        const { z, outputs: s } = headOf(student, own.features, training, open);
        const t = detach(headOf(target, known.features, training).outputs);
        const teacherTemperature = feeds.scalar('teacher temperature', teacherTemperatureOf(settings));
        const temperatures = { studentTemperature, teacherTemperature };
        const crops = dinoLoss({ student: s, teacher: t, center, ...temperatures });
        const hiddenOf = (of: typeof own) => gatherRows(of.patches!, hidden!.rows);
        const tp = hidden && detach(headOf(target, hiddenOf(known), training).outputs);
        const sp = hidden && headOf(student, hiddenOf(own), training, open).outputs;
        const patches = sp && tp && ibotLoss({ student: sp, teacher: tp, center: patchCenter, ...temperatures });
        const near = koleoWeight > 0 ? koleoOfViews(own.features, images) : undefined;
        return {
          losses: [
            ['main', () => total(crops.loss, patches && mul(patches.loss, ibotWeight), near && mul(near, koleoWeight))],
          ],
          log: {
            ...{ teacherEntropy: crops.entropy, kl: sub(crops.loss, crops.entropy), embeddingStd: columnStd(z) },
            ...(patches && { patchLoss: patches.loss, patchEntropy: patches.entropy }),
            ...(near && { koleo: near }),
          },
          means: { center: meanRow(t), ...(tp && { patchCenter: meanRow(tp) }) },
          after(made, means) {
            if (center !== 'sinkhorn') updateCenter(center, means['center'], settings.centerMomentum, made);
            if (tp && patchCenter !== 'sinkhorn')
              updateCenter(patchCenter, means['patchCenter'], settings.centerMomentum, made);
            teacher.follow(feeds, momentumSchedule(settings.emaMomentum, settings.emaMomentumEnd), made);
          },
        };
      },
      metrics: {
        ...targetMetrics(K),
        embeddingStd: embeddingStd(embeddingDim),
        ...(mask && patchTargetMetrics),
        ...(koleoWeight > 0 && { koleo: koleoMetric }),
      },
      // What KoLeo adds is not known beforehand.
      ...(koleoWeight === 0 && {
        chance: chanceOfTargets(K, { losses: 1 + ibotWeight, patience: Math.ceil(settings.frozenEpochs) }),
      }),
      figures: [
        { kind: 'similarity', embed: (views) => student.g.forward(student.f.forward(views, still), still) },
        ...(isVit(settings.architecture)
          ? [attentionMaps(student.f, { side: settings.imageSize, colours: normalization(settings) })]
          : []),
      ],
    };
  },
});

/** The student's network, or under a name one that starts with its values: encoder f, head g, and the last layer with K directions. */
function networkOf(settings: Own, name = '') {
  const { outputs: K, embeddingDim, headDepth, headWidth, headBatchNorm, seed } = settings;
  const f = makeEncoder(name ? stillOf(settings) : settings, name);
  const widths = [f.dimensions, ...new Array<number>(headDepth - 1).fill(headWidth), embeddingDim];
  const norms = headBatchNorm ? ({ batchNorm: 'hidden' } as const) : { std: transformerStd };
  const g = mlp({ name: 'projector', network: name, widths, activation: 'gelu', ...norms, seed });
  return { f, g, last: new WeightNormLinear(inNetwork(name, 'last_layer'), embeddingDim, K, seed) };
}

/** Features or tokens [M, D] → rows z of length one, and what the last layer says of them, [M, K]. */
function headOf({ g, last }: ReturnType<typeof networkOf>, rows: Tensor, mode: Mode, open?: Tensor) {
  const z = l2Normalize(g.forward(rows, mode));
  return { z, outputs: last.forward(z, mode, open) };
}

/** The mean of rows [M, K] as one row, [1, K]. */
const meanRow = (rows: Tensor): Tensor => mean(rows, 0, { keepdim: true });

/** KoLeo of the features of each of the two global views, the first of [V · N, D], added up. */
const koleoOfViews = (features: Tensor, images: number): Tensor =>
  add(koleo(slice(features, 0, 0, images)), koleo(slice(features, 0, images, 2 * images)));

/** The loss and those of what is added to it. */
const total = (loss: Tensor, ...others: readonly (Tensor | undefined)[]): Tensor =>
  others.reduce<Tensor>((sum, other) => (other ? add(sum, other) : sum), loss);
