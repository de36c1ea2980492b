import { constant } from '../../src/graph/trace.ts';
import { infoNce } from '../../src/losses/info_nce.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { expectClose, type GoldenCheck, run, tensorOf, toleranceOf, type Values } from './harness.ts';

/** Rows 3k of z [3N, D] are anchors, 3k + 1 their positives, 3k + 2 hard negatives: anchors are compared with all others. */
const check: GoldenCheck = async (file, device) => {
  const z = file.get('z');
  const [rows, dimensions] = z.shape;
  const temperature = file.number('temperature');
  const wanted = (anchors: boolean): Values => {
    const data = z.data.filter((_, i) => (Math.floor(i / dimensions) % 3 === 0) === anchors);
    return { shape: [data.length / dimensions, dimensions], data };
  };
  const { loss, danchors, dothers } = await run(device, () => {
    const [anchors, others] = [tensorOf('anchors', wanted(true)), tensorOf('others', wanted(false))];
    const target = constant(
      'target',
      Uint32Array.from({ length: rows / 3 }, (_, i) => 2 * i),
    );
    const { loss } = infoNce(l2Normalize(anchors), l2Normalize(others), { target, temperature });
    const [danchors, dothers] = gradients(loss, [anchors, others]);
    return { loss, danchors, dothers };
  });
  const dz = z.data.map((_, i) => {
    const [row, column] = [Math.floor(i / dimensions), i % dimensions];
    const triplet = Math.floor(row / 3);
    return row % 3 === 0
      ? danchors[triplet * dimensions + column]
      : dothers[(2 * triplet + (row % 3) - 1) * dimensions + column];
  });
  // As in simcse_unsup.ts.
  const tolerance = toleranceOf(dimensions) / temperature + toleranceOf(rows);
  expectClose('loss', loss, file.get('loss'), tolerance);
  expectClose('grad_z', dz, file.get('grad_z'), tolerance);
  return undefined;
};

export default check;
