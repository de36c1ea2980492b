/** What `--loss` chooses: values at chance, settings that belong to others, schedules, labels. */
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { ntXent } from '../../src/losses/nt_xent.ts';
import { simclr } from '../../src/methods/simclr.ts';
import { type ContrastiveSettings, contrast, contrastiveLosses } from '../../src/ssl/contrastive.ts';
import { StepFeeds, type StepTime } from '../../src/ssl/feeds.ts';
import { checkImages, labelsAskedBy } from '../../src/train/learner.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { noise } from '../ops/harness.ts';
import { interpret, type Values } from '../reference/interpreter.ts';

const names = Object.keys(contrastiveLosses) as ContrastiveSettings['loss'][];
const n = 6;
const classes = Uint32Array.of(0, 1, 2, 0, 1, 2);
const time: StepTime = {
  ...{ seed: 1, step: 1, epoch: 0, steps: 100, perEpoch: 10, first: 0 },
  indices: Uint32Array.from({ length: n }, (_, i) => i),
};
const settingsOf = (given: object = {}) =>
  ({ ...parseSettings(given), temperature: 0.5, ...given }) as unknown as ContrastiveSettings;

/** Loss and log of embeddings at a time, by the reference. */
function compared(given: object, rows: Float32Array, at: Partial<StepTime> = {}): Record<string, number> {
  const feeds = new StepFeeds(n, classes);
  const { graph, result } = trace(() => {
    const z = constant('z', rows, [2 * n, rows.length / (2 * n)]);
    const { loss, log } = contrast(settingsOf(given), { batchSize: n }).compare(z, feeds);
    return { loss, ...log };
  });
  const fed = feeds.values({ ...time, ...at });
  const inputs = new Map<Tensor, Values>();
  for (const tensor of graph.nodes.flatMap((node) => node.inputs))
    if (tensor.origin.kind === 'input') inputs.set(tensor, Float64Array.from(fed[tensor.name]));
  const values = interpret(graph, inputs);
  return Object.fromEntries(Object.entries(result).map(([name, tensor]) => [name, values.get(tensor)![0]]));
}

const equal = new Float32Array(2 * n * 4).fill(0.5);
/** Views of which none says anything of its pair. */
const unrelated = noise(2 * n * 4, 21);
/** Equal views of each image, or of each class, and right angles between these. */
const perfect = (period: number) =>
  Float32Array.from({ length: 2 * n * period }, (_, i) => (Math.floor(i / period) % period === i % period ? 3 : 0));

describe.each(names)('--loss %s', (loss) => {
  const { chance, metrics } = contrast(settingsOf({ loss }), { batchSize: n });

  it('is at chance for embeddings that say nothing, below it for those that tell images apart', () => {
    const [nothing, noisy, best] = [equal, unrelated, perfect(loss === 'sup-con' ? 3 : n)].map((rows) =>
      compared({ loss }, rows),
    );
    expect(best['accuracy']).toBe(1);
    if (!chance) return;
    expect(best['loss']).toBeLessThan(0.9 * chance.loss);
    expect(noisy['loss']).toBeGreaterThan(0.99 * chance.loss);
    // Embeddings of one point do not lose what chance is where length counts, or where they had better be apart.
    if (loss === 'n-pair') expect(compared({ loss }, new Float32Array(2 * n * 4))['loss']).toBeCloseTo(chance.loss, 6);
    else if (loss === 'margin') expect(nothing['loss']).toBeCloseTo(2 * chance.loss, 4);
    else expect(nothing['loss']).toBeCloseTo(chance.loss, 5);
    expect(chance.meaning).toContain('does not distinguish');
  });

  it('logs what it declares', () => {
    const { loss: _, ...log } = compared({ loss }, unrelated);
    expect(Object.keys(log)).toEqual(Object.keys(metrics));
    if ('informationBound' in log) expect(log['informationBound']).toBeCloseTo(Math.log(n) - _, 6);
    expect('informationBound' in log).toBe(loss === 'info-nce');
  });
});

it('the default records NT-Xent and nothing else, and feeds nothing', () => {
  const z = constant('z', unrelated, [2 * n, 4]);
  const feeds = new StepFeeds(n);
  const { graph } = trace(() => contrast(settingsOf(), { batchSize: n }).compare(z, feeds));
  const { graph: plain } = trace(() => ntXent(z, { temperature: 0.5 }));
  const ops = (nodes: typeof graph.nodes) => nodes.map(({ op }) => op.name);
  expect(ops(graph.nodes)).toEqual(ops(plain.nodes));
  expect(feeds.values(time)).toEqual({});
});

it('NT-Xent with further positives has none of these before its epoch', () => {
  const given = { positives: 2, positivesAfter: 3 };
  const [before, after, plain] = [
    compared(given, unrelated, { epoch: 2 }),
    compared(given, unrelated, { epoch: 3 }),
    compared({}, unrelated),
  ];
  expect(before['loss']).toBeCloseTo(plain['loss'], 9);
  expect(after['loss']).not.toBeCloseTo(plain['loss'], 2);
  expect(Object.keys(after)).toEqual(['loss', 'accuracy']);
});

it('the temperature goes by half a cosine to that of the end', () => {
  const at = (step: number) => compared({ temperature: 1, temperatureEnd: 0.2 }, unrelated, { step })['loss'];
  const constantly = (temperature: number) => compared({ temperature }, unrelated)['loss'];
  expect(at(1)).toBeCloseTo(constantly(1), 6);
  expect(at(51)).toBeCloseTo(constantly(0.6), 6);
  expect(at(101)).toBeCloseTo(constantly(0.2), 6);
});

describe('settings', () => {
  it.each([
    [{ beta: 2 }, '--beta (2) is a setting of --loss hard-negative, not of nt-xent; omit it'],
    [{ loss: 'debiased', beta: 2 }, '--beta (2) is a setting of --loss hard-negative, not of debiased; omit it'],
    [{ tauPlus: 0.2 }, '--tau-plus (0.2) is a setting of --loss debiased, hard-negative, not of nt-xent; omit it'],
    [
      { loss: 'nce', margin: 1 },
      '--margin (1) is a setting of --loss margin, triplet-hard, triplet-semi-hard, not of nce',
    ],
    [{ loss: 'info-nce', positives: 3 }, '--positives (3) is a setting of --loss nt-xent, not of info-nce'],
    [{ loss: 'n-pair', temperatureEnd: 1 }, '--temperature-end (1) is a setting of --loss nt-xent, info-nce, '],
    [
      { loss: 'margin', temperature: 0.3 },
      '--temperature (0.3) is a setting of --loss nt-xent, info-nce, decoupled, debiased, hard-negative, nce, sup-con, not of margin; omit it',
    ],
    [{ loss: 'triplet-hard', temperature: 1 }, '--temperature (1) is a setting of --loss '],
    [{ loss: 'n-pair', temperature: 1 }, 'sup-con, not of n-pair; omit it'],
    [
      { mix: 'mixup', batchSize: 4, microBatch: 1 },
      '--mix mixup mixes pictures that pass at once, and there is only one',
    ],
  ])('of another loss are refused: %o', (given, message) => {
    expect(() => parseSettings(given)).toThrow(message);
    expect(() => parseSettings(given)).toThrow(UserError);
  });

  it('of the chosen loss are taken', () => {
    for (const given of [
      { loss: 'hard-negative', beta: 0, tauPlus: 0 },
      { loss: 'margin', margin: 2 },
      { positives: 3, positivesAfter: 1, temperatureEnd: 1 },
      { mix: 'mixup', batchSize: 4, microBatch: 2 },
      // What a run of minutes has by default is not given by anybody.
      { loss: 'margin', ...(simclr.short as { temperature: number }) },
    ])
      expect(parseSettings(given)).toMatchObject(given);
  });
});

it('a temperature in a file, where another version may have had it by default, is taken by losses that have none', () => {
  const settings = parseSettings({ loss: 'margin' });
  expect(parseSettings({ ...settings, temperature: 0.5 }, 'config.json')).toMatchObject({ temperature: 0.5 });
});

it('SupCon needs labels, which is said in a line', () => {
  const settings = parseSettings({ loss: 'sup-con', batchSize: 4 });
  expect(labelsAskedBy(settings)).toBe('--loss sup-con');
  expect(labelsAskedBy(parseSettings({}))).toBeUndefined();
  expect(labelsAskedBy(parseSettings({ method: 'supervised' }))).toBe('--method supervised');
  const set = { name: 'photos', count: 9 } as Parameters<typeof checkImages>[0];
  expect(() => checkImages(set, settings)).toThrow(
    'photos: has no labels, which --loss sup-con needs; use --split train',
  );
  expect(() => checkImages({ ...set, labels: new Uint8Array(9) }, settings)).not.toThrow();
});
