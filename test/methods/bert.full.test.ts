/** BERT learns: of sentences that are made of a few words it tells the masked ones that can be told. */
import { expect, it } from 'vitest';
import { batchOf, epochOrder, stepsPerEpoch } from '../../src/data/order.ts';
import { fedSamples } from '../../src/data/source.ts';
import { textSet } from '../../src/data/texts.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { State } from '../../src/graph/state.ts';
import { bert } from '../../src/methods/bert.ts';
import { compileTraining } from '../../src/train/learner.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { sentences } from '../data/sentences.ts';
import { adapters } from '../ops/harness.ts';

it('tells masked tokens far more often than by the most frequent one, and than by how frequent they are', async () => {
  const gpu = await Gpu.open({ adapter: adapters[0] });
  const state = new State(gpu);
  const set = textSet(
    sentences(256, 3).map(({ text }) => [text]),
    { name: 'sentences', columns: 1, skipped: [] },
  );
  const [batchSize, epochs] = [32, 25];
  const sizes = { textWidth: 32, textLayers: 1, textHeads: 2, contextLength: 12 };
  const settings = parseSettings({ ...bert.short, ...sizes, method: 'bert', batchSize, epochs, lr: 4e-3 });
  const { step, learner } = await compileTraining(state, fedSamples(set), settings);
  const perEpoch = stepsPerEpoch(set.count, batchSize);
  const seen: { loss: number; accuracy: number }[] = [];
  for (let number = 1; number <= epochs * perEpoch; number++) {
    const epoch = Math.floor((number - 1) / perEpoch);
    const indices = batchOf(epochOrder(set.count, 1, epoch), (number - 1) % perEpoch, batchSize);
    const { loss, metrics } = await step.step(indices, { step: number, epoch }).read();
    seen.push({ loss, accuracy: metrics['accuracy'] });
  }
  const mean = (of: 'loss' | 'accuracy', from: number, to?: number) => {
    const values = seen.slice(from, to).map((each) => each[of]);
    return values.reduce((a, b) => a + b) / values.length;
  };
  const { loss: entropy, accuracy: mostFrequent } = learner.chance!;
  expect(seen[0].loss).toBeGreaterThan(entropy);
  expect(mostFrequent).toBeGreaterThan(0.2);
  // Half the words stand in places where nothing else can, the others are one of twelve.
  expect(mean('accuracy', -50)).toBeGreaterThan(mostFrequent! + 0.15);
  expect(mean('loss', -50)).toBeLessThan(entropy - 0.8);
  step.destroy();
  state.destroy();
  gpu.destroy();
}, 600_000);
