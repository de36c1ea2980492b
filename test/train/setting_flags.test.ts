import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addTrainSettings, givenSettings, namedMethod } from '../../src/cli/options.ts';
import { allMethods, methodNamed } from '../../src/methods/index.ts';
import { contrastiveLosses, contrastiveOptions } from '../../src/ssl/contrastive.ts';
import type { Method } from '../../src/ssl/method.ts';
import { policies } from '../../src/ssl/policies.ts';
import { isSized, withRecipe } from '../../src/train/recipe.ts';
import { settingFlags } from '../../src/train/setting_flags.ts';
import { parseSettings, settingNames, settingsOf, type TrainSettings } from '../../src/train/settings.ts';

/** What `simclr train` makes of flags. */
function parsed(flags: readonly string[], software: boolean): TrainSettings {
  const command = new Command().exitOverride();
  addTrainSettings(command, namedMethod(flags), allMethods());
  command.parse([...flags], { from: 'user' });
  const given = givenSettings(command.opts());
  const where = { software, sample: false };
  if (isSized(given, where)) throw new Error('time would decide how many steps the run takes');
  return parseSettings(withRecipe(given, where));
}

/** Values of a setting that its schema takes. */
function valuesOf(method: Method, name: string): fc.Arbitrary<unknown> {
  const schema = settingsOf(method).shape[name];
  const inner = schema.unwrap() as unknown as { type: string; options?: string[] };
  if (inner.options) return fc.constantFrom(...inner.options);
  if (inner.type === 'boolean') return fc.boolean();
  const words = ['0.6,0.8', '0.5', '0.25,0.9', ...policies];
  if (inner.type === 'string') return fc.constantFrom(...words.filter((value) => schema.safeParse(value).success));
  const numbers = [0, 1, 2, 3, 16, 32, 96, 100, 128, 256, 500, 1e-7, 0.0123, 0.5, 1 / 3, 0.08];
  return fc.constantFrom(...numbers.filter((value) => schema.safeParse(value).success));
}

/** Without settings of other losses than the one that is drawn, which would be refused. */
function ofOneLoss(given: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { own } = contrastiveLosses[(given['loss'] ?? 'nt-xent') as keyof typeof contrastiveLosses];
  const mixes = given['loss'] === undefined && !own.some((key) => key in given);
  const isOther = (key: string) => key in contrastiveOptions && key !== 'loss' && !own.some((name) => name === key);
  return Object.fromEntries(Object.entries(given).filter(([key]) => !isOther(key) && (key !== 'mix' || mixes)));
}

describe('settings as flags', () => {
  it.each(['simclr', 'supervised'].flatMap((name) => [true, false].map((software) => [name, software] as const)))(
    'of %s give the same settings again (software adapter: %s)',
    (name, software) => {
      const method = methodNamed(name);
      const some = fc.record(Object.fromEntries(settingNames(method).map((key) => [key, valuesOf(method, key)])), {
        requiredKeys: [],
      });
      const settings = some.map((given) => {
        try {
          return parseSettings({ method: name, ...(name === 'simclr' ? ofOneLoss(given) : given) });
        } catch {
          return undefined; // cropMin above cropMax, or a micro-batch that does not divide the batch
        }
      });
      let count = 0;
      fc.assert(
        fc.property(settings, (wanted) => {
          if (!wanted) return;
          count++;
          expect(parsed(settingFlags(wanted, { software }), software)).toEqual(wanted);
        }),
        { numRuns: 500 },
      );
      expect(count).toBeGreaterThan(50);
    },
  );

  it('leave defaults out', () => {
    expect(settingFlags(parseSettings({}), { software: false })).toEqual([]);
    const given = parseSettings({ headBatchNorm: true, lr: 0.5 });
    expect(settingFlags(given, { software: false })).toEqual(['--lr', '0.5', '--head-batch-norm']);
  });

  it('name the method where it is not the first, and take former names', () => {
    expect(settingFlags(parseSettings({ method: 'supervised' }), { software: false })).toEqual([
      '--method',
      'supervised',
    ]);
    const { embeddingDim, figureEvery } = parsed(['--features', '64', '--draw-every', '3'], false) as never;
    expect([embeddingDim, figureEvery]).toEqual([64, 3]);
    expect(() => parsed(['--features', '64', '--embedding-dim', '3'], false)).toThrow('cannot be used with');
  });

  it('name the recipe of a software adapter and the steps that fitted, so that they are the same on a GPU', () => {
    const sized = withRecipe({ steps: 148, epochs: 2 }, { software: true, sample: false });
    const flags = settingFlags(parseSettings(sized), { software: true });
    expect(flags.join(' ')).toContain('--image-size 32 --batch-size 32 --epochs 2 --steps 148');
    expect(parsed(flags, false)).toEqual(parseSettings(sized));
  });

  it.each([true, false])(
    'of a vision transformer, with which DINO has other defaults (software adapter: %s)',
    (software) => {
      const given = { method: 'dino', architecture: 'vit_tiny', steps: 9, epochs: 2, headBatchNorm: true } as const;
      const wanted = parseSettings(withRecipe(given, { software, sample: false }));
      const flags = settingFlags(wanted, { software });
      expect(flags).toContain('--head-batch-norm');
      for (const device of [true, false]) expect(parsed(flags, device && software)).toEqual(wanted);
    },
  );

  it('say that a run on a software adapter has all of its epochs', () => {
    expect(
      settingFlags(parseSettings(withRecipe({ epochs: 100 }, { software: true, sample: false })), { software: true }),
    ).toContain('--steps');
  });
});
