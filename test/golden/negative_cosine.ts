import { expect } from 'vitest';
import { negativeCosine } from '../../src/losses/negative_cosine.ts';
import { add } from '../../src/ops/add.ts';
import { mul } from '../../src/ops/binary.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const results = await run(device, () => {
    const [p1, p2, z1, z2] = ['p1', 'p2', 'z1', 'z2'].map((name) => tensorOf(name, file.get(name)));
    const loss = mul(add(negativeCosine(p1, z2), negativeCosine(p2, z1)), 0.5);
    const [grad_p1, grad_p2] = gradients(loss, [p1, p2]);
    return { loss, loss_byol: add(mul(loss, 4), 4), grad_p1, grad_p2 };
  });
  const { loss, ...others } = results;
  // A mean of cosines, which may cancel: rounding is that of terms of up to 1, however small their sum.
  expect(Math.abs(loss[0] - file.get('loss').data[0]), 'loss').toBeLessThan(1e-7);
  for (const [name, value] of Object.entries(others)) expectClose(name, value, file.get(name), 3e-6);
  return undefined;
};

export default check;
