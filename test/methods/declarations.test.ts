/** What a method declares wrongly is said when it is registered or traced, in words of its page. */
import { expect, it } from 'vitest';
import { hostImages } from '../../src/data/source.ts';
import { variable } from '../../src/graph/trace.ts';
import { registerMethod } from '../../src/methods/index.ts';
import { Linear } from '../../src/nn/layers.ts';
import { columnStd } from '../../src/ops/column_std.ts';
import { defineMethod, type Learner, type Method } from '../../src/ssl/method.ts';
import { augmentationConfig, positive } from '../../src/ssl/settings.ts';
import { traceStep } from '../../src/ssl/trace_step.ts';
import { stepParts } from '../../src/train/learner.ts';
import { parseSettings, settingsOf } from '../../src/train/settings.ts';
import { TinyEncoder } from './everything.ts';
import { images } from './harness.ts';

let methods = 0;

/** A method that holds, but for what is changed in it or in its learner. */
const made = (change: Partial<Method> = {}, learner: (encoder: TinyEncoder) => Partial<Learner> = () => ({})) =>
  defineMethod({
    name: `declared-${++methods}`,
    ...{ about: '', paper: '', options: {}, recipe: {} },
    views: (s) => [{ count: 2, size: s.imageSize, augmentation: augmentationConfig(s) }],
    create(_, { training }) {
      const encoder = new TinyEncoder();
      return {
        encoder,
        groups: [{ name: 'main', modules: [encoder] }],
        step: ([views]) => ({ losses: [['main', () => columnLoss(encoder, views, training)]] }),
        ...learner(encoder),
      };
    },
    ...change,
  } as Method);

const columnLoss = (encoder: TinyEncoder, views: Parameters<TinyEncoder['forward']>[0], mode: { training: boolean }) =>
  new Linear('last', 8, 1, 1).forward(encoder.forward(views, mode));

function traced(method: Method, given: object = {}): unknown {
  registerMethod(method);
  const settings = parseSettings({ method: method.name, imageSize: 16, batchSize: 4, ...given });
  return traceStep(stepParts(hostImages(images), settings));
}

it.each<[string, () => Method, RegExp]>([
  ['a name that is none for flags', () => made({ name: 'Sup_Con' }), /named 'Sup_Con': use a-z, 0-9 and -/],
  ['a name that is taken', () => made({ name: 'simclr' }), /two methods are named 'simclr'/],
  ['a recipe for no setting', () => made({ recipe: { learningRate: 1 } as never }), /its recipe has 'learningRate'/],
  [
    'a short recipe for no setting',
    () => made({ short: { learningRate: 1 } as never }),
    /its short recipe has 'learningRate'/,
  ],
  ['a setting that is shared', () => made({ options: { lr: positive().default(1) } }), /'lr' is one of the shared/],
  ['a setting without default', () => made({ options: { tau: positive() } }), /its setting 'tau' needs a \.default\(/],
  [
    'micro-batches without split',
    () => made({ microBatches: true }),
    /says that it has micro-batches, without 'split'/,
  ],
  [
    'whole images twice',
    () => made({ views: () => [{ count: 2, size: 16 }] }),
    /view group 0: without augmentation all 2 views are the same; give count 1/,
  ],
  ['a loss that is no number', () => made(), /the loss of group 'main' must be f32 \[1\], not .*f32\[8, 1\]/],
  [
    'a loss of no group',
    () => made({}, () => ({ step: () => ({ losses: [['other', () => variable('x', [1])]] }) })),
    /a loss is of group 'other', which the learner does not have/,
  ],
  [
    'what the trainer logs itself',
    () => made({}, () => ({ step: ([views]) => ({ losses: [], log: { lr: views } }) })),
    /log: 'lr' is a name of the trainer; use another/,
  ],
  [
    'what is no number in the log',
    () => made({}, () => ({ step: ([views]) => ({ losses: [], log: { views } }) })),
    /log: 'views' must be f32 \[1\], not /,
  ],
  [
    'two networks of one name',
    () => made({}, (encoder) => ({ groups: [{ name: 'main', modules: [encoder, new TinyEncoder()] }] })),
    /two parameters are named 'conv1\.weight': give one network a name/,
  ],
])('%s', (_, method, message) => {
  expect(() => traced(method())).toThrow(message);
});

it('a method that holds is traced, and one of its settings changes its table only', () => {
  const step: Learner['step'] = () => ({ losses: [], log: { spread: columnStd(variable('x', [2, 2])) } });
  const method = made({ options: { tau: positive().default(2) } }, () => ({ step }));
  expect(traced(method, { tau: 3 })).toMatchObject({ phases: [{ name: 'step', images: 4 }] });
  expect(settingsOf(method).parse({})).toMatchObject({ tau: 2, lr: 1e-3 });
});
