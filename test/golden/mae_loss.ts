import { expect } from 'vitest';
import { maskedPatchError, normalizedPatches } from '../../src/losses/masked_patches.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const normalised = file.metadata['norm_pix_loss'] === 'true';
  const mask = file.get('mask');
  const results = await run(device, () => {
    const [target, pred] = ['target', 'pred'].map((name) => tensorOf(name, file.get(name)));
    const wanted = normalised ? normalizedPatches(target, file.number('eps')) : target;
    const loss = maskedPatchError(pred, wanted, tensorOf('mask', mask));
    return { loss, grad_pred: gradients(loss, [pred])[0] };
  });
  for (const [name, data] of Object.entries(results)) expectClose(name, data, file.get(name), 3e-6);
  const length = results['grad_pred'].length / mask.data.length;
  mask.data.forEach((hidden, patch) => {
    const own = results['grad_pred'].slice(patch * length, (patch + 1) * length);
    if (hidden === 0) expect(own.every((value) => value === 0)).toBe(true);
  });
  return undefined;
};

export default check;
