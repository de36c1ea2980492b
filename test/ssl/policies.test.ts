/** Policies as data, how settings ask for them, and that views without them are what they were. */
import { describe, expect, it } from 'vitest';
import { hostImages } from '../../src/data/source.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { trace } from '../../src/graph/trace.ts';
import type { Operation, OperationSlot } from '../../src/ops/augment_operations.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { magnitudeOf, policies, policySlots, randAugment } from '../../src/ssl/policies.ts';
import { autoAugmentPolicies } from '../../src/ssl/policies_autoaugment.ts';
import { pbaCifar10, pbaSchedule } from '../../src/ssl/policies_pba.ts';
import { augmentationConfig, operationSlots, type SharedSettings, sharedSettings } from '../../src/ssl/settings.ts';
import { traceViews } from '../../src/ssl/views.ts';
import { withRecipe } from '../../src/train/recipe.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { onEveryAdapter } from '../ops/harness.ts';
import { drawn } from '../train/drawn.ts';

const choicesOf = (slot: OperationSlot): readonly Operation[] => ('choices' in slot ? slot.choices : []);

describe('data', () => {
  it('RandAugment: n of 14 operations at bin m of 31, as torchvision', () => {
    const slots = randAugment({ operations: 3, magnitude: 9 }, 32);
    expect(slots.length).toBe(3);
    const [first] = slots.map(choicesOf);
    expect(first.length).toBe(14);
    const magnitudes = Object.fromEntries(first.map(({ name, magnitude }) => [name, magnitude]));
    expect(magnitudes['shear_x']).toBeCloseTo(0.09, 12);
    expect(magnitudes['translate_y']).toBe(4);
    expect(magnitudes['rotate']).toBeCloseTo(9, 12);
    expect(magnitudes['contrast']).toBeCloseTo(0.27, 12);
    expect(magnitudes['posterize']).toBe(7);
    expect(magnitudes['solarize']).toBeCloseTo(178.5, 12);
    const signed = first.filter((operation) => operation.signed).map(({ name }) => name);
    expect(signed.length).toBe(9);
    expect(signed).not.toContain('solarize');
    expect(magnitudeOf('posterize', 1, 32)).toBe(4);
  });

  it.each(Object.entries(autoAugmentPolicies))('%s: 25 sub-policies of two, in slots of one draw', (name, pairs) => {
    expect(pairs.length).toBe(25);
    for (const [, probability, level = 0] of pairs.flat()) {
      expect(probability).toBeGreaterThanOrEqual(0);
      expect(probability).toBeLessThanOrEqual(1);
      expect([...Array(10).keys()]).toContain(level);
    }
    const slots = policySlots(name as keyof typeof autoAugmentPolicies, { operations: 1, magnitude: 1 }, 32, 40);
    expect(slots.map((slot) => 'draw' in slot && slot.draw)).toEqual([40, 40]);
    expect(slots.map((slot) => choicesOf(slot).map((operation) => operation.name))).toEqual(
      [0, 1].map((place) => pairs.map((pair) => pair[place][0])),
    );
  });

  it('PBA: thirty operations that begin with none and end with the last of the published schedule', () => {
    expect(pbaSchedule.map(([epoch]) => epoch)).toEqual([
      12, 34, 54, 74, 75, 81, 84, 111, 117, 138, 144, 153, 160, 177, 183, 195,
    ]);
    for (const share of [0, 11.9 / 200]) {
      const rows = pbaCifar10(share, 32);
      expect(rows.length).toBe(30);
      expect(rows.every(({ probability }) => probability === 0)).toBe(true);
    }
    const [, equalize, invert, ...later] = pbaCifar10(12 / 200, 32);
    expect(equalize).toMatchObject({ name: 'equalize', probability: 0.3 });
    expect(invert).toMatchObject({ name: 'invert', probability: 0.1 });
    expect(later[0]).toMatchObject({ name: 'rotate', probability: 0.2, magnitude: 0, signed: true });
    const last = pbaCifar10(1, 64);
    expect(last[29]).toMatchObject({ name: 'cutout', probability: 0.7, magnitude: 24 });
    expect(last[21]).toMatchObject({ name: 'saturation', probability: 0, signed: false });
    expect(last[21].magnitude).toBeCloseTo(0.18 - 0.9, 12);
  });

  it('nothing is drawn where nothing is on, and everything at once is', () => {
    expect(operationSlots({}, 32)).toEqual([]);
    expect(augmentationConfig(sharedSettings.parse({}))).not.toHaveProperty('operations');
    const all = operationSlots({ rotate: 1, policy: 'randaugment', noise: 0.5, cutout: 0.5, randOperations: 4 }, 32);
    expect(all.length).toBe(1 + 4 + 2);
  });

  it('InfoMin brings its crops and colours with it, below what is given and above a short run’s', () => {
    const { cropMin, jitterStrength, blur } = parseSettings({ policy: 'infomin', blur: 0.1 });
    expect([cropMin, jitterStrength, blur]).toEqual([0.2, 1, 0.1]);
    expect(withRecipe({ policy: 'infomin' }, { software: true, sample: true })).toMatchObject({
      cropMin: 0.2,
      blur: 0.5,
    });
    expect(parseSettings({}).cropMin).toBe(0.08);
  });
});

const images = drawn('train', 6, 20);
const source = hostImages(images);
const indices = Uint32Array.of(5, 2, 3);

onEveryAdapter((gpu) => {
  async function viewsOf(given: Partial<SharedSettings>, epoch = 0) {
    const feeds = new StepFeeds(3);
    const augmentation = augmentationConfig(sharedSettings.parse({ blur: 1, solarize: 0.5, ...given }));
    const groups = [
      { count: 2, size: 16, augmentation },
      { count: 1, size: 18, augmentation },
    ];
    const { graph, result } = trace(() => {
      const [first, second] = traceViews(source, groups, feeds, { normalize: 'none' });
      return { first, second };
    });
    const rows = graph.nodes
      .filter(({ op }) => op.name === 'augment_parameters')
      .map(({ outputs: [tensor] }) => tensor);
    const state = new State(gpu());
    const program = await Program.compile(graph, state, { ...result, rows: rows[0] });
    const time = { seed: 7, step: 1, epoch, steps: 20, perEpoch: 2, indices, first: 0 };
    const values = await program.run({ ...feeds.values(time), ...source.inputs(indices) }).read();
    program.destroy();
    state.destroy();
    return { ...values, operations: graph.nodes.map(({ op }) => op.name) };
  }

  it('the draws of crops and colours are the same with and without operations', async () => {
    const without = await viewsOf({}, 9);
    expect(without.operations).not.toContain('augment_operations');
    for (const policy of policies.filter((name) => name !== 'none')) {
      const { rows, first, second } = await viewsOf({ policy, rotate: 0.5 }, 9);
      expect(rows, policy).toEqual(without.rows);
      expect(first, policy).not.toEqual(without.first);
      expect(second.some(Number.isNaN), policy).toBe(false);
    }
  });

  it('PBA does nothing in the first epochs, and something later', async () => {
    const pba = { policy: 'pba-cifar10' } as const;
    expect((await viewsOf(pba)).first).toEqual((await viewsOf({})).first);
    expect((await viewsOf(pba, 9)).first).not.toEqual((await viewsOf({}, 9)).first);
  });

  it('a cut-out square is black, noise is not', async () => {
    const colourless = { jitter: 0, grayscale: 0, blur: 0, solarize: 0 };
    const [plain, cut, noisy] = await Promise.all([
      viewsOf(colourless),
      viewsOf({ ...colourless, cutout: 1 }),
      viewsOf({ ...colourless, noise: 1, noiseStd: 0.05 }),
    ]);
    const black = cut.first.filter((value, i) => i % 4 === 0 && value === 0).length;
    expect(black / 6).toBeGreaterThan(15);
    expect(black / 6).toBeLessThanOrEqual(64);
    const differences = Array.from(noisy.first, (value, i) => value - plain.first[i]).filter((_, i) => i % 4 !== 3);
    const inside = differences.filter((difference) => difference !== 0); // the others were clamped
    const std = Math.sqrt(inside.reduce((sum, d) => sum + d * d, 0) / inside.length);
    expect(std).toBeGreaterThan(0.035);
    expect(std).toBeLessThan(0.055);
  });
});
