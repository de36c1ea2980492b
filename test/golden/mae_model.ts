import { expect } from 'vitest';
import { constant } from '../../src/graph/trace.ts';
import { mae, maskedAutoencoder } from '../../src/methods/mae.ts';
import { Vit } from '../../src/nn/vit.ts';
import { maskByKeys } from '../../src/ssl/patch_masks.ts';
import { trainedParameters } from '../../src/ssl/step.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { noise } from '../ops/harness.ts';
import { expectClose, type GoldenCheck, type GoldenFile } from './harness.ts';
import { expectNorms, formulaViews, runSteps } from './networks.ts';

/** A masked autoencoder in miniature: what encoder and decoder give, and steps with AdamW, with the file's masks. */
const check: GoldenCheck = async (file, device) => {
  const [n, size, patch] = ['n', 'size', 'patch'].map((name) => file.number(name));
  const settings = settingsOf(file);
  const grid = size / patch;
  const keys = noise(n * grid * grid, 101, 0.5, 0.5);
  const kept = Math.floor(grid * grid * (1 - file.number('mask_ratio')));
  const maskOf = (image: number) => maskByKeys(keys.subarray(image * grid * grid, (image + 1) * grid * grid), kept);
  const hidden = Array.from({ length: n }, (_, image) => [...maskOf(image).ranks].map((rank) => Number(rank >= kept)));
  expect(hidden.flat()).toEqual([...file.get('mask').data]);

  const [dimensions, depth, heads] = ['dim', 'depth', 'heads'].map((name) => file.number(name));
  const sizes = { dimensions, depth, heads };
  const shape = { architecture: 'vit_tiny', width: 1, patch, grid, positions: 'sincos' } as const;
  const f = new Vit({ ...shape, sizes, seed: 1 });
  const learner = maskedAutoencoder(f, settings as never, { training: true }, maskOf);
  const view = constant('images', formulaViews(n, size), [n, size, size, 4]);
  const losses = [...file.get('losses').data];
  const exact = device === 'reference';
  const options = { device, steps: losses.length, labels: [/^norm.layer_norm$/, /^decoder_pred.matmul$/] };
  const after = await runSteps(learner, [view], settings, options, (step, { loss, gradients, rows }) => {
    expect(Math.abs(loss / losses[step - 1] - 1), `loss of step ${step}`).toBeLessThan(1e-6);
    if (step > 1) return;
    const [latent, pred] = Object.values(rows); // of the products at the end of the decoder the first is forward
    for (const [name, actual] of Object.entries({ latent, pred })) expectClose(name, actual, file.get(name), 1e-6);
    expectNorms('gradients', file.json('grad_norms'), gradients, { tolerance: exact ? 1e-6 : 1e-4 });
  });
  expectNorms('weights after', file.json('param_norms_after'), after(trainedParameters(learner)), { tolerance: 1e-3 });
  return undefined;
};

function settingsOf(file: GoldenFile) {
  expect(file.metadata['optimizer']).toMatch(/AdamW lr 1e-3, betas \.9 \.95, .* weight decay \.05, none on 1-d/);
  return parseSettings({
    ...{ method: mae.name, batchSize: file.number('n'), imageSize: file.number('size'), patch: file.number('patch') },
    ...{ decoderDim: file.number('decoder_dim'), decoderDepth: file.number('decoder_depth') },
    ...{ decoderHeads: file.number('decoder_heads'), maskRatio: file.number('mask_ratio') },
    ...{ optimizer: 'adamw', lr: 1e-3, beta2: 0.95, weightDecay: 0.05, excludeBiasAndNorm: true },
    ...{ schedule: 'constant', warmupEpochs: 0, normalize: 'half' },
  });
}

export default check;
