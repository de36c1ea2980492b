import { nPair } from '../../src/losses/n_pair.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const values = await run(device, () => {
    const [anchor, positive] = ['anchor', 'positive'].map((name) => tensorOf(name, file.get(name)));
    const { loss } = nPair(anchor, positive);
    const [danchor, dpositive] = gradients(loss, [anchor, positive]);
    return { loss, grad_anchor: danchor, grad_positive: dpositive };
  });
  const [rows, dimensions] = file.get('anchor').shape;
  for (const name of ['loss', 'grad_anchor', 'grad_positive'])
    expectClose(name, values[name], file.get(name), toleranceOf(rows * dimensions));
  return undefined;
};

export default check;
