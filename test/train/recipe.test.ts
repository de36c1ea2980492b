import { describe, expect, it } from 'vitest';
import { minutesOf } from '../../src/cli/budget.ts';
import { simclr } from '../../src/methods/simclr.ts';
import { sampleAugmentation, shortMinutes, shortRecipe, withRecipe } from '../../src/train/recipe.ts';
import { parseSettings } from '../../src/train/settings.ts';

const [gpu, software] = [false, true];
const places = { stl10OnGpu: { software: gpu, sample: false }, sampleOnGpu: { software: gpu, sample: true } };
const withoutGpu = [
  { software, sample: false },
  { software, sample: true },
];

describe('which settings a run gets that were not given', () => {
  it('on a GPU the published experiment’s', () => {
    const settings = parseSettings(withRecipe({}, places.stl10OnGpu));
    expect(settings).toEqual(parseSettings({}));
    expect(settings).toMatchObject({ optimizer: 'adam', lr: 1e-3, epochs: 100, batchSize: 256, weightDecay: 1e-4 });
    expect(settings).toMatchObject({ embeddingDim: 128, imageSize: 96, temperature: 0.07, schedule: 'constant' });
  });

  it.each([...withoutGpu, places.sampleOnGpu])('the recipe where it has to show something soon: %o', (where) => {
    const augmentation = where.sample ? sampleAugmentation : {};
    expect(parseSettings(withRecipe({}, where))).toEqual(
      parseSettings({ ...shortRecipe, ...simclr.short, ...augmentation }),
    );
  });

  it('what was given wins', () => {
    const given = { temperature: 0.5, batchSize: 8 };
    expect(withRecipe(given, withoutGpu[0])).toEqual({ ...shortRecipe, ...given });
    expect(withRecipe({ method: 'supervised' }, withoutGpu[0])).toEqual({ ...shortRecipe, method: 'supervised' });
  });
});

describe('how long a run takes', () => {
  it('without a GPU, or on the sample set, a few minutes', () => {
    for (const where of [...withoutGpu, places.sampleOnGpu]) expect(minutesOf({}, {}, where)).toBe(shortMinutes);
    expect(minutesOf({}, {}, places.stl10OnGpu)).toBeUndefined();
  });

  it('as many minutes as were given, on a GPU too', () => {
    expect(minutesOf({ minutes: 7 }, {}, places.stl10OnGpu)).toBe(7);
    expect(minutesOf({ minutes: 7 }, {}, withoutGpu[0])).toBe(7);
  });

  it('its steps or epochs, where they were given', () => {
    expect(minutesOf({}, { steps: 5 }, withoutGpu[0])).toBeUndefined();
    expect(minutesOf({}, { epochs: 5 }, withoutGpu[0])).toBeUndefined();
  });
});
