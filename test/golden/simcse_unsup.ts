import { ntXent } from '../../src/losses/nt_xent.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

/** Rows 2k and 2k + 1 of z [2N, D] are passes of one text: NT-Xent in another order, of halves as the method has them. */
const check: GoldenCheck = async (file, device) => {
  const z = file.get('z');
  const [rows, dimensions] = z.shape;
  const temperature = file.number('temperature');
  const rowOf = (i: number) => (i % 2) * (rows / 2) + Math.floor(i / 2);
  const halves = new Float32Array(z.data.length);
  for (let i = 0; i < rows; i++)
    halves.set(z.data.subarray(i * dimensions, (i + 1) * dimensions), rowOf(i) * dimensions);
  const { loss, dz } = await run(device, () => {
    const all = tensorOf('z', { ...z, data: halves });
    const { loss } = ntXent(all, { temperature });
    return { loss, dz: gradients(loss, [all])[0] };
  });
  const inOrder = z.data.map((_, i) => dz[rowOf(Math.floor(i / dimensions)) * dimensions + (i % dimensions)]);
  // A similarity is off by 4 ε √D, and τ divides it before it is an exponent; sums over rows follow.
  const tolerance = toleranceOf(dimensions) / temperature + toleranceOf(rows);
  expectClose('loss', loss, file.get('loss'), tolerance);
  expectClose('grad_z', inOrder, file.get('grad_z'), tolerance);
  return undefined;
};

export default check;
