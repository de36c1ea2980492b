import { hardNegativeNtXent } from '../../src/losses/hard_negative.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

/** `loss_plain` is NT-Xent of the same rows: this loss without weights and without debiasing. */
const check: GoldenCheck = async (file, device) => {
  const [temperature, tauPlus, beta] = ['temperature', 'tau_plus', 'beta'].map((name) => file.number(name));
  const values = await run(device, () => {
    const z = tensorOf('z', file.get('z'));
    const { loss } = hardNegativeNtXent(z, { temperature, tauPlus, beta });
    const { loss: plain } = hardNegativeNtXent(z, { temperature, tauPlus: 0, beta: 0 });
    return { loss, grad_z: gradients(loss, [z])[0], loss_plain: plain };
  });
  const [rows, dimensions] = file.get('z').shape;
  // A similarity is off by 4 ε √D, and τ divides it before it is an exponent; sums over rows follow.
  const tolerance = (toleranceOf(dimensions) * (1 + beta)) / temperature + toleranceOf(rows);
  for (const name of ['loss', 'grad_z', 'loss_plain']) expectClose(name, values[name], file.get(name), tolerance);
  return undefined;
};

export default check;
