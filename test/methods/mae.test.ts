/** Masked autoencoders: the step and its resume, and what must hold of what is seen, hidden and told. */
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { maskedPatchError, normalizedPatches } from '../../src/losses/masked_patches.ts';
import { mae } from '../../src/methods/mae.ts';
import { Vit } from '../../src/nn/vit.ts';
import { gatherRows } from '../../src/ops/gather_rows.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { drawKeys, keptOf, maskByKeys, patchSamplings } from '../../src/ssl/patch_masks.ts';
import { asPictures, patchesOf } from '../../src/ssl/patch_pictures.ts';
import { random } from '../../src/ssl/rng.ts';
import { noise } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';
import { testMethod, tinySettings } from './harness.ts';

const small = { decoderDim: 24, decoderDepth: 1, decoderHeads: 2 };
testMethod(mae, { ...small, patch: 4, cropMin: 0.5 });

describe('settings', () => {
  it.each([
    [{ architecture: 'resnet18' }, '--architecture must be a vision transformer, such as vit_tiny, not resnet18'],
    [{ input: 'lightness' }, '--input must be rgb, not lightness'],
    [{ decoderHeads: 5 }, '--decoder-dim 24 must be a multiple of --decoder-heads 5'],
  ] as const)('%o are refused in one line', (given, message) => {
    expect(() => tinySettings(mae, { ...small, ...given })).toThrow(message);
  });
});

describe('masks', () => {
  const [grid, kept] = [8, keptOf(64, 0.75)];
  const masks = (sampling: (typeof patchSamplings)[number]) =>
    Array.from({ length: 200 }, (_, image) =>
      maskByKeys(drawKeys(sampling, grid, 64 - kept, random(1, 0, image)), kept),
    );

  it('have int(L (1 − ratio)) patches that are seen', () => {
    expect([16, 64, 196].map((patches) => keptOf(patches, 0.75))).toEqual([4, 16, 49]);
    expect([keptOf(64, 0.9), keptOf(4, 0.99)]).toEqual([6, 1]);
  });

  it.each(patchSamplings)('%s: every patch is seen now and then, and ranks are a permutation', (sampling) => {
    const seen = new Array<number>(64).fill(0);
    for (const { kept: patches, ranks } of masks(sampling)) {
      expect([...patches].every((patch, rank) => ranks[patch] === rank)).toBe(true);
      expect([...ranks].sort((a, b) => a - b)).toEqual([...ranks.keys()]);
      for (const patch of patches) seen[patch]++;
    }
    // What lies within large rectangles is hidden less often at the borders.
    for (const times of seen) {
      if (sampling === 'block') expect(times).toBeGreaterThan(0);
      else expect(Math.abs(times - 50)).toBeLessThan(25);
    }
  });

  it('of a grid leave one of each 2 × 2, the same in all', () => {
    for (const { kept: patches } of masks('grid')) {
      const places = new Set([...patches].map((patch) => 2 * (Math.floor(patch / grid) % 2) + (patch % 2)));
      expect([places.size, patches.length]).toEqual([1, 16]);
    }
  });

  it('of blocks leave what lies together', () => {
    const neighbours = (sampling: (typeof patchSamplings)[number]) => {
      let together = 0;
      for (const { ranks } of masks(sampling))
        for (let patch = 0; patch < 63; patch++)
          if (patch % grid < 7 && ranks[patch] < kept && ranks[patch + 1] < kept) together++;
      return together;
    };
    expect(neighbours('block')).toBeGreaterThan(1.5 * neighbours('random'));
  });
});

describe('pictures of patches', () => {
  it('are the pictures again', () => {
    const pixels = noise(2 * 8 * 8 * 4, 3).map((v, i) => (i % 4 === 3 ? 0 : v));
    const { graph, result } = trace(() => asPictures(patchesOf(constant('x', pixels, [2, 8, 8, 4]), 4), 4));
    expect([...interpret(graph).get(result)!]).toEqual([...pixels]);
  });
});

describe('the loss', () => {
  const target = (count: number) => constant('target', noise(2 * 4 * count, 5), [2, 4, count]);
  const mask = constant('mask', Float32Array.of(1, 0, 1, 1, 0, 0, 1, 0), [2, 4]);
  const values = (build: () => Record<string, Tensor>) => {
    const { graph, result } = trace(build);
    const all = interpret(graph);
    return Object.fromEntries(Object.entries(result).map(([name, tensor]) => [name, [...all.get(tensor)!]]));
  };

  it.each([12, 48])('of 0 for normalised patches of %d numbers is (P − 1)/P', (count) => {
    const { loss } = values(() => {
      const zero = constant('zero', new Float32Array(2 * 4 * count), [2, 4, count]);
      return { loss: maskedPatchError(zero, normalizedPatches(target(count)), mask) };
    });
    expect(loss[0]).toBeCloseTo((count - 1) / count, 4);
  });

  it('has no gradient at patches that were seen', () => {
    const { dx } = values(() => {
      const pred = constant('pred', noise(2 * 4 * 12, 6), [2, 4, 12]);
      return { dx: gradients(maskedPatchError(pred, target(12), mask), [pred])[0] };
    });
    [1, 0, 1, 1, 0, 0, 1, 0].forEach((hidden, patch) => {
      const own = dx.slice(12 * patch, 12 * patch + 12);
      expect(own.every((value) => value === 0)).toBe(hidden === 0);
    });
  });
});

it('what is hidden of an image does not change the tokens of what is seen', () => {
  const encoder = new Vit({ architecture: 'vit_tiny', width: 0.25, patch: 4, grid: 4, positions: 'sincos', seed: 1 });
  const latent = (hidden: number) => {
    const pixels = noise(16 * 16 * 4, 3).map((v, i) => {
      const [row, column] = [Math.floor(i / 64), Math.floor(i / 4) % 16];
      return Math.floor(row / 4) === 3 && Math.floor(column / 4) === 2 ? v + hidden : v;
    });
    const { graph, result } = trace(() => {
      const tokens = reshape(encoder.embed(constant('x', pixels, [1, 16, 16, 4]), { training: true }), [16, 48]);
      const seen = gatherRows(tokens, constant('seen', Uint32Array.of(3, 0, 9, 12)));
      return encoder.encode(reshape(seen, [1, 4, 48]), { training: true });
    });
    expect(result.shape).toEqual([1, 5, 48]);
    return [...interpret(graph).get(result)!];
  };
  expect(latent(7)).toEqual(latent(0));
});
