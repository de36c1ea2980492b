import { describe, expect, it } from 'vitest';
import { lbfgs } from '../../src/analysis/lbfgs.ts';
import { fitLbfgs, fitSgd, predict, score } from '../../src/analysis/logistic.ts';
import {
  drawPerClass,
  meanAndDeviation,
  pickLabelled,
  probeScore,
  standardisation,
  standardise,
  trainProbe,
} from '../../src/analysis/probe.ts';
import { noise, relativeError } from '../ops/harness.ts';
import { f32, sklearn } from './values.ts';

const { x, labels, dimensions, classes, test, cases } = sklearn.logistic;
const samples = { x: f32(x), labels: labels as number[] };

describe('L-BFGS', () => {
  it('finds the minimum of Rosenbrock’s valley and of a stretched bowl', async () => {
    const valley = await lbfgs(
      ([a, b], gradient) => {
        gradient[0] = -400 * a * (b - a * a) - 2 * (1 - a);
        gradient[1] = 200 * (b - a * a);
        return 100 * (b - a * a) ** 2 + (1 - a) ** 2;
      },
      Float64Array.of(-1.2, 1),
      { tolerance: 1e-8 },
    );
    expect(valley.converged).toBe(true);
    expect(Math.abs(valley.x[0] - 1) + Math.abs(valley.x[1] - 1)).toBeLessThan(1e-6);
    const bowl = await lbfgs(
      (at, gradient) =>
        at.reduce((sum, value, i) => {
          gradient[i] = 2 * 10 ** i * (value - i);
          return sum + 10 ** i * (value - i) ** 2;
        }, 0),
      new Float64Array(6),
      { tolerance: 1e-6 },
    );
    expect(relativeError(bowl.x, [0, 1, 2, 3, 4, 5])).toBeLessThan(1e-6);
  });

  it('stays where it is when there is nothing to gain, and says so when it may not go on', async () => {
    const flat = await lbfgs(() => 3, Float64Array.of(1, 2));
    expect([flat.iterations, flat.converged, ...flat.x]).toEqual([0, true, 1, 2]);
    const quartic = ([a]: Float64Array, gradient: Float64Array) => {
      gradient[0] = 4 * a ** 3;
      return a ** 4;
    };
    const stopped = await lbfgs(quartic, Float64Array.of(5), { iterations: 2, tolerance: 1e-12 });
    expect([stopped.iterations, stopped.converged]).toEqual([2, false]);
  });
});

describe('logistic regression', () => {
  it.each(cases as { l2: number; weights: number[]; biases: number[]; loss: number; predicted: number[] }[])(
    'L-BFGS, λ $l2: scikit-learn’s weights, loss and predictions',
    async ({ l2, weights, biases, loss, predicted }) => {
      const model = await fitLbfgs(samples, dimensions, classes, { l2, tolerance: 1e-9 });
      expect(relativeError(model.parameters.subarray(0, weights.length), weights)).toBeLessThan(1e-5);
      // Biases are free up to a common number, which scikit-learn centres no more than this does.
      const centred = (b: ArrayLike<number>) =>
        Array.from(b, (v) => v - Array.from(b).reduce((s, w) => s + w, 0) / b.length);
      expect(relativeError(centred(model.parameters.slice(weights.length)), centred(biases))).toBeLessThan(1e-5);
      expect(score(model, samples).loss).toBeCloseTo(loss, 6);
      expect([...predict(model, f32(test))]).toEqual(predicted);
    },
  );

  it('SGD comes close to the same minimum', async () => {
    const exact = await fitLbfgs(samples, dimensions, classes, { l2: 0.1 });
    const options = { lr: 0.2, epochs: 200, batchSize: 16, momentum: 0.9, l2: 0.1, seed: 1 };
    const found = await fitSgd(samples, dimensions, classes, options);
    expect(relativeError(found.parameters.subarray(0, 15), exact.parameters.subarray(0, 15))).toBeLessThan(0.02);
    expect((await fitSgd(samples, dimensions, classes, options)).parameters).toEqual(found.parameters);
  });
});

describe('the probe', () => {
  const train = { features: samples.x, labels: samples.labels };

  it('standardises: mean 0, deviation 1, a constant feature stays finite', () => {
    const features = Float32Array.from({ length: 30 }, (_, i) => (i % 3 === 2 ? 7 : noise(30, 5)[i] * 40 + 3));
    const z = standardise(standardisation(features, 3), features);
    for (const d of [0, 1, 2]) {
      const column = Array.from({ length: 10 }, (_, i) => z[i * 3 + d]);
      expect(column.reduce((a, b) => a + b) / 10).toBeCloseTo(0, 5);
      expect(Math.sqrt(column.reduce((a, b) => a + b * b, 0) / 10)).toBeCloseTo(d === 2 ? 0 : 1, 5);
    }
  });

  it.each(['lbfgs', 'sgd'] as const)(
    '%s: chooses on a held-out part of train, not on test, the same every time',
    async (solver) => {
      const options = { solver, epochs: 20, l2: [1e-1, 1e-3], lr: [1e-6, 0.1] };
      const probe = await trainProbe(train, dimensions, classes, options);
      expect(probe.tried.map(({ value }) => value)).toEqual(solver === 'lbfgs' ? options.l2 : options.lr);
      const chosen = probe.tried.find(({ value }) => value === probe.chosen)!;
      const measure = solver === 'lbfgs' ? 'loss' : 'accuracy';
      const all = probe.tried.map((candidate) => candidate[measure]);
      expect(chosen[measure]).toBe(solver === 'lbfgs' ? Math.min(...all) : Math.max(...all));
      if (solver === 'lbfgs') expect(await trainProbe(train, dimensions, classes, { l2: [1e-3, 1e-1] })).toEqual(probe);
      if (solver === 'sgd') expect(probe.chosen).toBe(0.1);
      expect(await trainProbe(train, dimensions, classes, options)).toEqual(probe);
      expect(probeScore(probe, train).accuracy).toBeGreaterThan(0.7);
    },
  );

  it('penalties are chosen by loss, also where another one is right a little more often', async () => {
    const rows = 120;
    const features = noise(rows * 12, 3).map((v, i) => v + (i % 12 === Math.floor(i / 12) % 3 ? 0.25 : 0));
    const labels = Array.from({ length: rows }, (_, i) => i % 3);
    const l2 = [1, 1e-1, 1e-2, 1e-3, 1e-4];
    const choices = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(async (seed) => {
        const { tried, chosen } = await trainProbe({ features, labels }, 12, 3, { l2, seed });
        const best = (order: (a: (typeof tried)[number], b: (typeof tried)[number]) => number) =>
          tried.toSorted(order)[0];
        expect(chosen).toBe(best((a, b) => a.loss - b.loss).value);
        return best((a, b) => b.accuracy - a.accuracy).accuracy > tried.find(({ value }) => value === chosen)!.accuracy;
      }),
    );
    expect(choices).toContain(true); // or the two rules would be told apart nowhere here
  });

  it.each(['lbfgs', 'sgd'] as const)(
    '%s: recognises new images of classes that differ, and guesses where none do',
    async (solver) => {
      /** Class c lies `apart` further along feature c; the others are noise, on scales of their own. */
      const draw = (rows: number, seed: number, apart: number) => ({
        features: noise(rows * 6, seed).map(
          (value, i) => (value + (i % 6 === Math.floor(i / 6) % 3 ? apart : 0)) * 10 ** (i % 6) + 50,
        ),
        labels: Array.from({ length: rows }, (_, i) => i % 3),
      });
      const accuracy = async (apart: number) =>
        probeScore(await trainProbe(draw(150, 1, apart), 6, 3, { solver, epochs: 20 }), draw(300, 2, apart)).accuracy;
      expect(await accuracy(2)).toBeGreaterThan(0.9);
      expect(Math.abs((await accuracy(0)) - 1 / 3)).toBeLessThan(0.15);
    },
  );

  it.each(['lbfgs', 'sgd'] as const)(
    '%s: a signal is heard in the middle of a fit, not only after it',
    async (solver) => {
      const stop = new AbortController();
      const reason = new Error('stopped');
      // Waits for its third turn: a fit that pauses only before it begins has ended by then.
      let turns = 3;
      const wait = () => (--turns > 0 ? setImmediate(wait) : stop.abort(reason));
      setImmediate(wait);
      const options = { solver, l2: [1e-9], lr: [1e-3], epochs: 50 };
      await expect(trainProbe(train, dimensions, classes, options, stop.signal)).rejects.toBe(reason);
    },
  );

  it('the fit does not depend on what else was tried', async () => {
    const alone = await trainProbe(train, dimensions, classes, { l2: [0.1] });
    const among = await trainProbe(train, dimensions, classes, { l2: [1e3, 0.1, 1e2] });
    expect(among.chosen).toBe(0.1);
    expect(relativeError(among.model.parameters.subarray(0, 15), alone.model.parameters.subarray(0, 15))).toBeLessThan(
      2e-3,
    );
  });

  it('one image a class: nothing can be held out, the middle candidate is taken and marked', async () => {
    const rows = drawPerClass(labels, () => 1, 1);
    const few = pickLabelled(train, rows, dimensions);
    const options = { l2: [1e-3, 1, 1e-1, 1e-2, 1e-4] };
    const probe = await trainProbe(few, dimensions, classes, options);
    expect(probe).toMatchObject({ chosen: 1e-2, tried: [], unchosen: true });
    expect(await trainProbe(few, dimensions, classes, { l2: [0.1] })).toMatchObject({ chosen: 0.1, unchosen: false });
    expect((await trainProbe(train, dimensions, classes, options)).unchosen).toBe(false);
  });

  it('draws so many of each class, others for another seed', () => {
    const drawn = drawPerClass(labels, () => 4, 1);
    for (const label of [0, 1, 2]) expect(drawn.filter((i) => labels[i] === label)).toHaveLength(4);
    expect(drawPerClass(labels, () => 4, 1)).toEqual(drawn);
    expect(drawPerClass(labels, () => 4, 2)).not.toEqual(drawn);
    expect(() => drawPerClass(labels, () => 1000, 1)).toThrow(/1000 images per class requested, but class 0 has \d+/);
  });

  it('mean and sample deviation', () => {
    expect(meanAndDeviation([1, 2, 3, 4])).toEqual({ mean: 2.5, deviation: Math.sqrt(5 / 3) });
    expect(meanAndDeviation([7])).toEqual({ mean: 7, deviation: 0 });
  });
});
