import { mse } from '../../src/losses/mse.ts';
import { carry, pointer } from '../../src/losses/pointer.ts';
import { detach } from '../../src/ops/detach.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { transpose } from '../../src/ops/strided_copy.ts';
import { expectClose, type GoldenCheck, mapValues, run, tensorOf } from './harness.ts';

/** The file is of one pair of frames, and its attention has a column for each target. */
const check: GoldenCheck = async (file, device) => {
  const values = await run(device, () => {
    const named = { f_ref: 'f_ref', f_target: 'f_target', c_ref: 'c_ref', c_target: 'c_target' };
    const given = mapValues(named, (name) => tensorOf(name, file.get(name)));
    const one = mapValues(given, (tensor) => reshape(tensor, [1, ...tensor.shape]));
    const attention = pointer(one.f_target, one.f_ref);
    const y = carry(attention, one.c_ref);
    const loss = mse(y, detach(one.c_target));
    const [grad_f_ref, grad_f_target] = gradients(loss, [given.f_ref, given.f_target]);
    return { attention: transpose(attention, 1, 2), y, loss, grad_f_ref, grad_f_target };
  });
  for (const [name, value] of Object.entries(values)) expectClose(name, value, file.get(name), 3e-6);
  return undefined;
};
export default check;
