import { barlowTwins } from '../../src/losses/barlow_twins.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const values = await run(device, () => {
    const views = ['z1', 'z2'].map((name) => tensorOf(name, file.get(name)));
    const options = { redundancyWeight: file.number('lambda_'), eps: file.number('eps') };
    const { loss, correlation } = barlowTwins(views[0], views[1], options);
    const [grad_z1, grad_z2] = gradients(loss, views);
    return { loss, correlation, grad_z1, grad_z2 };
  });
  for (const [name, value] of Object.entries(values)) expectClose(name, value, file.get(name), 3e-6);
  return undefined;
};

export default check;
