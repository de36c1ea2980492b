import { gradients } from '../../src/ops/gradients.ts';
import { layerNorm } from '../../src/ops/layer_norm.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const results = await run(device, () => {
    const [x, weight, bias, dy] = ['x', 'weight', 'bias', 'grad_y'].map((name) => tensorOf(name, file.get(name)));
    const y = layerNorm(x, { weight, bias, eps: file.number('eps') });
    const [grad_x, grad_weight, grad_bias] = gradients(y, [x, weight, bias], dy);
    return { y, grad_x, grad_weight, grad_bias };
  });
  for (const [name, data] of Object.entries(results)) expectClose(name, data, file.get(name), 3e-6);
  return undefined;
};

export default check;
