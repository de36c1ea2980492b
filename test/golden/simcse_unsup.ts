import { constant } from '../../src/graph/trace.ts';
import { infoNce } from '../../src/losses/info_nce.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

/** Rows 2k and 2k + 1 of z [2N, D] are a pair: NT-Xent in another order. */
const check: GoldenCheck = async (file, device) => {
  const [rows, dimensions] = file.get('z').shape;
  const temperature = file.number('temperature');
  const numbers = (name: string, of: (i: number) => number) =>
    constant(
      name,
      Uint32Array.from({ length: rows }, (_, i) => of(i)),
    );
  const { loss, dz } = await run(device, () => {
    const z = tensorOf('z', file.get('z'));
    const unit = l2Normalize(z);
    const target = numbers('target', (i) => i + 1 - 2 * (i % 2));
    const { loss } = infoNce(unit, unit, { target, excluded: numbers('excluded', (i) => i), temperature });
    return { loss, dz: gradients(loss, [z])[0] };
  });
  // A similarity is off by 4 ε √D, and τ divides it before it is an exponent; sums over rows follow.
  const tolerance = toleranceOf(dimensions) / temperature + toleranceOf(rows);
  expectClose('loss', loss, file.get('loss'), tolerance);
  expectClose('grad_z', dz, file.get('grad_z'), tolerance);
  return undefined;
};

export default check;
