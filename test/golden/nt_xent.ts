import { expect } from 'vitest';
import { ntXent } from '../../src/losses/nt_xent.ts';
import { cosineSimilarity } from '../../src/ops/cosine_similarity.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

/** z [2N, D] in half-split order, as our loss takes it: row i and row i + N are two views of one sample. */
const check: GoldenCheck = async (file, device) => {
  expect(file.metadata['pairs'] ?? 'row i with row i+N').toBe('row i with row i+N');
  const temperature = file.number('temperature');
  const values = await run(device, () => {
    const z = tensorOf('z', file.get('z'));
    const { loss, accuracy } = ntXent(z, { temperature });
    return { loss, top1: accuracy, grad_z: gradients(loss, [z])[0], similarity: cosineSimilarity(z, z) };
  });
  const [rows, dimensions] = file.get('z').shape;
  // A similarity is off by 4 ε √D, and τ divides it before it is an exponent; sums over rows follow.
  const tolerance = toleranceOf(dimensions) / temperature + toleranceOf(rows);
  expectClose('similarity', values['similarity'], file.get('similarity'), toleranceOf(dimensions));
  expectClose('loss', values['loss'], file.get('loss'), tolerance);
  expectClose('grad_z', values['grad_z'], file.get('grad_z'), tolerance);
  expectClose('top1', values['top1'], file.get('top1'), 1e-6);
  return undefined;
};

export default check;
