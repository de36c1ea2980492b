import { vicreg } from '../../src/losses/vicreg.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { concat } from '../../src/ops/strided_copy.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const values = await run(device, () => {
    const views = ['z1', 'z2'].map((name) => tensorOf(name, file.get(name)));
    const { loss, invariance, variance, covariance } = vicreg(views[0], views[1], {
      invarianceWeight: file.number('invariance'),
      varianceWeight: file.number('variance'),
      covarianceWeight: file.number('covariance'),
      gamma: file.number('gamma'),
      eps: file.number('eps'),
    });
    const [grad_z1, grad_z2] = gradients(loss, views);
    return { terms: concat([invariance, variance, covariance], 0), loss, grad_z1, grad_z2 };
  });
  for (const [name, value] of Object.entries(values)) expectClose(name, value, file.get(name), 3e-6);
  return undefined;
};

export default check;
