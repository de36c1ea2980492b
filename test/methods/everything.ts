/**
 * A method that uses all that a method may: two view groups (multi-crop), two parameter groups with optimisers and learning rates of
 * their own, of which the second sees the first's update, a teacher, a queue and a centre that are kept, schedules, labels, patches that the host
 * cuts out, work of the host between epochs, a figure of pictures. It means nothing; it is there to hold the engine to what the types promise.
 */
import { normalization } from '../../src/data/preparation.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { scope, variable } from '../../src/graph/trace.ts';
import { ntXent } from '../../src/losses/nt_xent.ts';
import type { Encoder } from '../../src/nn/encoder.ts';
import { BatchNorm, Conv2d, Linear } from '../../src/nn/layers.ts';
import { inNetwork, type Mode, Module } from '../../src/nn/module.ts';
import { crossEntropy } from '../../src/ops/cross_entropy.ts';
import { globalAvgPool } from '../../src/ops/global_avg_pool.ts';
import { indexCopy } from '../../src/ops/narrow.ts';
import { mean } from '../../src/ops/reduce.ts';
import { relu } from '../../src/ops/relu.ts';
import { sgd } from '../../src/optim/sgd.ts';
import { defineMethod } from '../../src/ssl/method.ts';
import { embeddingStd } from '../../src/ssl/metrics.ts';
import { toPixels } from '../../src/ssl/pixels.ts';
import { random } from '../../src/ssl/rng.ts';
import { augmentationConfig, positive } from '../../src/ssl/settings.ts';

/** Convolution, batch norm, ReLU, pooling. */
export class TinyEncoder extends Module implements Encoder {
  readonly dimensions = 8;
  private readonly conv: Conv2d;
  private readonly norm: BatchNorm;

  constructor(name = '') {
    super(name);
    this.conv = this.child(new Conv2d(inNetwork(name, 'conv1'), 3, 8, { kernel: 3, stride: 2, padding: 1, seed: 1 }));
    this.norm = this.child(new BatchNorm(inNetwork(name, 'bn1'), 8));
  }

  forward(x: Tensor, mode: Mode): Tensor {
    const y = relu(this.norm.forward(this.conv.forward(x), mode));
    return scope('pool', () => globalAvgPool(y));
  }
}

/** Rows of the queue. */
export const queueRows = 12;

export const everything = defineMethod({
  name: 'everything',
  about: 'a test of the engine',
  paper: 'none',
  options: { strength: positive().default(0.5).describe('temperature of its loss') },
  recipe: { optimizer: 'sgd', lr: 0.05, schedule: 'cosine' },
  views: (s) => [
    { count: 2, size: s.imageSize, augmentation: augmentationConfig(s) },
    { count: 1, size: s.imageSize / 2, augmentation: augmentationConfig(s) },
    { count: 1, size: s.imageSize },
    {
      count: 2,
      size: s.imageSize / 2,
      parameters: (image, { seed, epoch }, view, { height, width }) => {
        const draw = random(seed, epoch, image, view);
        return { crop: [draw.below(height / 2), draw.below(width / 2), height / 2, width / 2], flip: view === 1 };
      },
    },
  ],
  create(s, { training, batchSize }) {
    const [f, teacher] = [new TinyEncoder(), new TinyEncoder('teacher')];
    const critic = new Linear('critic', 8, 3, s.seed);
    const queue = variable('queue', [queueRows, 8]);
    const centre = variable('centre', [1, 8]);
    return {
      encoder: f,
      groups: [
        { name: 'main', modules: [f] },
        {
          name: 'critic',
          modules: [critic],
          optimizer: (weights) => sgd(weights, { momentum: 0.5 }),
          lr: (scheduled, { step }) => (step % 2 === 0 ? 2 * scheduled : 0.01),
        },
      ],
      kept: { teacher, queue, centre },
      step([pairs, crops, whole, patches], feeds) {
        const z = f.forward(pairs, training);
        const small = f.forward(crops, training);
        const target = teacher.forward(whole, training);
        const { loss, accuracy } = ntXent(z, { temperature: s.strength });
        const first = feeds.index('row', ({ step }) => ((step - 1) * batchSize) % queueRows);
        const criticLoss = () => {
          const rows = f.forward(whole, { training: false }); // with the weights that the first update left
          return crossEntropy(critic.forward(rows), feeds.epoch('cluster', 'u32')).loss;
        };
        const byImage = crossEntropy(
          critic.forward(small),
          feeds.perImage('parity', (image) => image % 2),
        );
        return {
          losses: [
            ['main', () => loss],
            ['critic', criticLoss],
          ],
          log: {
            accuracy,
            crops: byImage.loss,
            patches: mean(f.forward(patches, training)),
            share: feeds.scalar('share', ({ step, steps }) => step / steps),
          },
          means: { target: mean(target, 0, { keepdim: true }) },
          after(made, means) {
            indexCopy(queue, target, first, { made });
            indexCopy(centre, means['target'], undefined, { made });
            for (const [i, { tensor }] of teacher.parameters.entries())
              indexCopy(tensor, f.parameters[i].tensor, undefined, { made });
          },
        };
      },
      async beforeEpoch({ epoch, features, before }) {
        const rows = await features();
        const clusters = Uint32Array.from({ length: rows.length / 8 }, (_, i) =>
          rows[8 * i] > rows[8 * i + 1] ? 1 : 0,
        );
        return {
          cluster: clusters.map((cluster) => cluster + (epoch % 2)),
          spare: Float32Array.of(1 + (before['spare']?.[0] ?? -1)),
        };
      },
      figures: [
        {
          kind: 'pictures',
          name: 'patches',
          images: 3,
          record: ([, , whole, patches], feeds) => ({
            ...{ whole, patches, parity: feeds.perImage('parity', (image) => image % 2) },
          }),
          columns: ({ whole, patches, parity }) => [
            { label: 'whole', pictures: toPixels(whole, s.imageSize, normalization(s)) },
            {
              label: 'patch',
              pictures: toPixels(patches, s.imageSize / 2, normalization(s)).slice(0, 3),
              captions: Array.from(parity, (odd) => (odd ? 'odd' : 'even')),
            },
          ],
        },
      ],
      metrics: { accuracy: { label: 'acc', format: 'percent', epoch: 'mean' }, embeddingStd: embeddingStd(8) },
    };
  },
});
