import { z } from 'zod';
import { variable } from '../graph/trace.ts';
import { dinoLoss, updateCenter } from '../losses/dino.ts';
import { makeEncoder } from '../nn/encoders.ts';
import { mlp } from '../nn/mlp.ts';
import { inNetwork } from '../nn/module.ts';
import { WeightNormLinear } from '../nn/prototypes.ts';
import { sub } from '../ops/binary.ts';
import { columnStd } from '../ops/column_std.ts';
import { detach } from '../ops/detach.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { concat } from '../ops/strided_copy.ts';
import { cosineBetween, linearBetween } from '../optim/schedule.ts';
import type { StepTime } from '../ssl/feeds.ts';
import { FrozenStart } from '../ssl/frozen_start.ts';
import { defineMethod } from '../ssl/method.ts';
import { embeddingStd } from '../ssl/metrics.ts';
import { checkLocalCrops, cropFeatures, localCrops, multiCropOptions } from '../ssl/multi_crop.ts';
import { secondViewOptions, twoKindsOfViews } from '../ssl/second_view.ts';
import { count, positive, share } from '../ssl/settings.ts';
import { momentumSchedule, stillOf, Teacher } from '../ssl/teacher.ts';

const still = { training: false };

interface TeacherTemperature {
  readonly teacherTemperature: number;
  readonly teacherTemperatureEnd: number;
  readonly teacherTemperatureEpochs: number;
}

/** τt of an epoch: equal steps over the first epochs, the first and the last of which have its first and its last value. */
const teacherTemperatureOf =
  ({ teacherTemperature: from, teacherTemperatureEnd: to, teacherTemperatureEpochs: epochs }: TeacherTemperature) =>
  ({ epoch }: StepTime): number =>
    epoch >= epochs ? to : linearBetween(from, to, epoch / Math.max(1, epochs - 1));

/**
 * DINO (Caron et al., 2021) on ResNets. A student sees all V crops of an image and predicts what its teacher, a slow average of it, makes
 * of the two global ones. Nothing is compared with other images: centring and sharpening of the teacher keep it from collapse.
 *
 *   s = g(f(x)) for all crops;   t = g'(f'(x)) for the global ones;   g(h) = cosines of mlp(h) with K directions
 *   loss = mean over i ∈ {1, 2} and crops v ≠ i of −Σ_k softmax((t_i − c)/τt) log softmax(s_v/τs)
 *   then c ← 0.9 c + 0.1 · mean of t,   θ' ← m θ' + (1 − m) θ
 *
 * m rises by half a cosine to 1, the weight decay by another one, τt linearly over the first epochs; the last layer learns from the
 * second epoch on. Crops of one size pass through f together, all through the head, which has batch norm, as small ResNets need it; its
 * first values are PyTorch's, not normal ones of 0.02, which makes no difference before batch norm. Defaults are lightly's for small
 * images; the paper's for a ResNet-50 on ImageNet are --lr 0.03 --weight-decay 1e-4 --outputs 65536 --ema-momentum 0.996
 * --crop-min 0.14 --local-crop-max 0.14.
 */
export const dino = defineMethod({
  name: 'dino',
  about:
    'small crops predict what a slow average of the network makes of large ones, centred and sharpened; no negatives',
  paper: 'Caron et al., 2021, arXiv 2104.14294',
  headActivation: 'gelu',
  options: {
    outputs: count(2).max(65536).default(2048).describe('outputs of the head (K)'),
    embeddingDim: count(1).max(8192).default(256).describe('size of the rows that the last layer compares'),
    headDepth: count(1).max(4).default(3).describe('linear layers of the head before the last layer'),
    headWidth: count(1).max(8192).default(2048).describe('width of its hidden layers'),
    headBatchNorm: z.boolean().default(true).describe('batch norm after its hidden layers'),
    studentTemperature: positive().default(0.1).describe('temperature τs of the student'),
    teacherTemperature: positive().default(0.04).describe('temperature τt of the teacher in the first epoch'),
    teacherTemperatureEnd: positive().default(0.04).describe('its value after --teacher-temperature-epochs'),
    teacherTemperatureEpochs: count(0).default(30).describe('epochs in which it changes, in equal steps'),
    centerMomentum: share().default(0.9).describe('momentum of the centre c'),
    emaMomentum: share().default(0.99).describe('momentum m of the teacher in the first step'),
    emaMomentumEnd: share().default(1).describe('its value after the last step, reached by half a cosine'),
    weightDecayFactor: positive().default(1).describe('the last step’s weight decay as a multiple of the first’s'),
    frozenEpochs: z.number().min(0).default(1).describe('first epochs, in which the last layer stays as it is'),
    ...secondViewOptions,
    localBlur: share().default(0.5).describe('probability of Gaussian blur in local crops'),
    ...multiCropOptions(0.05, 0.4),
  },
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
  check: checkLocalCrops,

  views(settings) {
    return [...twoKindsOfViews(settings), ...localCrops(settings, { blur: settings.localBlur })];
  },

  create(settings, { training }) {
    const { outputs: K, embeddingDim, headDepth, headWidth, headBatchNorm, studentTemperature, seed } = settings;
    const network = (name = '') => {
      const f = makeEncoder(name ? stillOf(settings) : settings, name);
      const widths = [f.dimensions, ...new Array<number>(headDepth - 1).fill(headWidth), embeddingDim];
      const batchNorm = headBatchNorm ? 'hidden' : 'none';
      const g = mlp({ name: 'projector', network: name, widths, activation: 'gelu', batchNorm, seed });
      return { f, g, last: new WeightNormLinear(inNetwork(name, 'last_layer'), embeddingDim, K, seed) };
    };
    const [student, target] = [network(), network('teacher')];
    const teacher = new Teacher(Object.values(target), Object.values(student));
    const center = variable('center', [K]);
    const start = new FrozenStart(settings.frozenEpochs);
    const { weightDecay: first, weightDecayFactor } = settings;
    const weightDecay = ({ step, steps }: StepTime) =>
      cosineBetween(first, first * weightDecayFactor, (step - 1) / steps);
    return {
      encoder: student.f,
      groups: [
        {
          name: 'main',
          modules: Object.values(student),
          weightDecay,
          parts: [start.part([student.last], weightDecay)],
        },
      ],
      kept: { teacher, center },
      step([one, two, ...locals], feeds) {
        const globals = concat([one, two], 0);
        const z = l2Normalize(student.g.forward(cropFeatures(student.f, [globals, ...locals], training), training));
        const s = student.last.forward(z, training, start.open(feeds));
        const seen = target.g.forward(target.f.forward(globals, training), training);
        const t = detach(target.last.forward(l2Normalize(seen), training));
        const teacherTemperature = feeds.scalar('teacher temperature', teacherTemperatureOf(settings));
        const { loss, entropy } = dinoLoss({ student: s, teacher: t, center, studentTemperature, teacherTemperature });
        return {
          losses: [['main', () => loss]],
          log: { teacherEntropy: entropy, kl: sub(loss, entropy), embeddingStd: columnStd(z) },
          after(made) {
            updateCenter(center, t, settings.centerMomentum, made);
            teacher.follow(feeds, momentumSchedule(settings.emaMomentum, settings.emaMomentumEnd), made);
          },
        };
      },
      metrics: {
        teacherEntropy: {
          ...{ label: 'entropy', format: 'number', epoch: 'mean' },
          note: `of the teacher’s targets: 0 or log K = ${Math.log(K).toFixed(3)} when collapsed, between them when healthy`,
        },
        kl: { label: 'KL', format: 'number', epoch: 'mean', note: 'from targets to predictions: loss − entropy' },
        embeddingStd: embeddingStd(embeddingDim),
      },
      chance: {
        loss: Math.log(K),
        formula: 'log K',
        meaning: 'the student predicts the same of every crop: targets are uniform, or nothing has been learnt of them',
        remedy: 'sharpen targets with a lower --teacher-temperature and --teacher-temperature-end (0.02)',
        patience: Math.ceil(settings.frozenEpochs),
      },
      figures: [{ kind: 'similarity', embed: (views) => student.g.forward(student.f.forward(views, still), still) }],
    };
  },
});
