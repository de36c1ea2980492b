import { constant } from '../../src/graph/trace.ts';
import { ntXent } from '../../src/losses/nt_xent.ts';
import { gatherRows } from '../../src/ops/gather_rows.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

/** Rows 2k and 2k + 1 of z [2N, D] are a pair; and the same loss of the same rows, those of one view behind those of the other. */
const check: GoldenCheck = async (file, device) => {
  const [rows, dimensions] = file.get('z').shape;
  const temperature = file.number('temperature');
  const halves = Uint32Array.from({ length: rows }, (_, i) => (i < rows / 2 ? 2 * i : 2 * i - rows + 1));
  const values = await run(device, () => {
    const z = tensorOf('z', file.get('z'));
    const { loss } = ntXent(z, { temperature, pairs: 'interleaved' });
    const ofHalves = ntXent(gatherRows(z, constant('halves', halves)), { temperature }).loss;
    return { loss, dz: gradients(loss, [z])[0], ofHalves, dzOfHalves: gradients(ofHalves, [z])[0] };
  });
  // A similarity is off by 4 ε √D, and τ divides it before it is an exponent; sums over rows follow.
  const tolerance = toleranceOf(dimensions) / temperature + toleranceOf(rows);
  for (const name of ['loss', 'ofHalves']) expectClose(name, values[name], file.get('loss'), tolerance);
  for (const name of ['dz', 'dzOfHalves']) expectClose(name, values[name], file.get('grad_z'), tolerance);
  return undefined;
};

export default check;
