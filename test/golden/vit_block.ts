import { Block } from '../../src/nn/transformer.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const withoutBlock = (name: string): string => name.replace('block.', '');

const check: GoldenCheck = async (file, device) => {
  const dimensions = file.get('x').shape[2];
  const [heads, ratio, eps] = ['heads', 'mlp_ratio', 'eps'].map((name) => file.number(name));
  const block = new Block('block', { dimensions, heads, ratio, eps, seed: 1 });
  const parameters = block.parameters.map(({ tensor }) => tensor);
  const first = new Map(parameters.map((tensor) => [tensor, file.get(withoutBlock(tensor.name)).data]));
  const build = () => {
    const [x, dy] = ['x', 'grad_y'].map((name) => tensorOf(name, file.get(name)));
    const y = block.forward(x, { training: true });
    const inputs = [x, ...parameters];
    const dx = gradients(y, inputs, dy);
    return { y, ...Object.fromEntries(inputs.map(({ name }, i) => [`grad_${withoutBlock(name)}`, dx[i]])) };
  };
  const results = await run(device, build, {}, first);
  for (const [name, data] of Object.entries(results)) expectClose(name, data, file.get(name), 5e-6);
  return undefined;
};

export default check;
