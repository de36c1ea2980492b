import { gradients } from '../../src/ops/gradients.ts';
import { linear } from '../../src/ops/linear.ts';
import { expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const names = ['x', 'weight', ...(file.has('bias') ? ['bias'] : [])];
  const values = await run(device, () => {
    const inputs = names.map((name) => tensorOf(name, file.get(name)));
    const y = linear(inputs[0], inputs[1], inputs[2]);
    const found = gradients(y, inputs, tensorOf('dy', file.get('grad_y')));
    return { y, ...Object.fromEntries(names.map((name, i) => [`grad_${name}`, found[i]])) };
  });
  const [rows, inFeatures] = file.get('x').shape;
  const [outFeatures] = file.get('weight').shape;
  const length: Record<string, number> = { y: inFeatures, grad_x: outFeatures, grad_weight: rows, grad_bias: rows };
  for (const [name, data] of Object.entries(values)) expectClose(name, data, file.get(name), toleranceOf(length[name]));
  return undefined;
};

export default check;
