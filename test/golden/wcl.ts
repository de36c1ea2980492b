import { expect } from 'vitest';
import { components, nearestOther } from '../../src/losses/components.ts';
import { supCon } from '../../src/losses/sup_con.ts';
import { swap } from '../../src/losses/swap.ts';
import { mul } from '../../src/ops/binary.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

/** The graph and the components of both views, exactly, and the swapped losses, whose half sum is PyTorch's loss. */
const check: GoldenCheck = async (file, device) => {
  const options = { temperature: file.number('temperature') };
  const { nearest1, nearest2, labels1, labels2, ...results } = await run(device, () => {
    const [v1, v2] = ['v1', 'v2'].map((name) => tensorOf(name, file.get(name)));
    const swapped = swap(v1, v2, options);
    const loss = mul(swapped.loss, 0.5);
    const [grad_v1, grad_v2] = gradients(loss, [v1, v2]);
    const [nearest1, nearest2] = [v1, v2].map(nearestOther);
    const [labels1, labels2] = [nearest1, nearest2].map(components);
    const [loss_v1, loss_v2] = [supCon(v1, labels2, options), supCon(v2, labels1, options)];
    return { loss, loss_v1, loss_v2, grad_v1, grad_v2, nearest1, nearest2, labels1, labels2 };
  });
  for (const [name, value] of Object.entries(results)) expectClose(name, value, file.get(name), 3e-6);
  const graphs = { nearest1, nearest2, labels1, labels2, adjacency1: joined(nearest1), adjacency2: joined(nearest2) };
  for (const [name, value] of Object.entries(graphs)) expect([...value], name).toEqual([...file.get(name).data]);
  return undefined;
};

/** [N, N]: 1 where one of two rows is the other's nearest. */
function joined(nearest: Float32Array): Float32Array {
  const count = nearest.length;
  const adjacency = new Float32Array(count * count);
  nearest.forEach((other, row) => (adjacency[row * count + other] = adjacency[other * count + row] = 1));
  return adjacency;
}

export default check;
