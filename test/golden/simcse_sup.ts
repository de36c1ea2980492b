import { supervisedSimCse } from '../../src/losses/sim_cse.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

/** Rows 3k of z [3N, D] are anchors, 3k + 1 their positives, 3k + 2 hard negatives; the loss has them behind each other. */
const check: GoldenCheck = async (file, device) => {
  const z = file.get('z');
  const [rows, dimensions] = z.shape;
  const temperature = file.number('temperature');
  const rowOf = (i: number) => (i % 3) * (rows / 3) + Math.floor(i / 3);
  const columns = new Float32Array(z.data.length);
  for (let i = 0; i < rows; i++)
    columns.set(z.data.subarray(i * dimensions, (i + 1) * dimensions), rowOf(i) * dimensions);
  const { loss, dz } = await run(device, () => {
    const all = tensorOf('z', { ...z, data: columns });
    const { loss } = supervisedSimCse(all, 3, { temperature });
    return { loss, dz: gradients(loss, [all])[0] };
  });
  const inOrder = z.data.map((_, i) => dz[rowOf(Math.floor(i / dimensions)) * dimensions + (i % dimensions)]);
  // As in simcse_unsup.ts.
  const tolerance = toleranceOf(dimensions) / temperature + toleranceOf(rows);
  expectClose('loss', loss, file.get('loss'), tolerance);
  expectClose('grad_z', inOrder, file.get('grad_z'), tolerance);
  return undefined;
};

export default check;
