import { expect } from 'vitest';
import { constant, flatVariable, trace, variable } from '../../src/graph/trace.ts';
import { infoNce } from '../../src/losses/info_nce.ts';
import { detach } from '../../src/ops/detach.ts';
import { ema } from '../../src/ops/ema.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { l2Normalize } from '../../src/ops/l2_normalize.ts';
import { indexCopy } from '../../src/ops/narrow.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

/** The loss with its gradient, the queue after it, and one step of the moving average. */
const check: GoldenCheck = async (file, device) => {
  const [rows, size, pointer] = [file.get('q').shape[0], file.number('queue_size'), file.number('pointer')];
  const queue = variable('queue', file.get('queue').shape, () => file.get('queue').data);
  const [target, online] = ['theta_k', 'theta_q'].map((name) => variable(name, [37], () => file.get(name).data));
  for (const tensor of [target, online]) flatVariable(`flat ${tensor.name}`, [tensor]);
  const build = () => {
    const [q, k] = ['q', 'k'].map((name) => tensorOf(name, file.get(name)));
    const [unitQ, unitK] = [l2Normalize(q), detach(l2Normalize(k))];
    const temperature = file.number('temperature');
    const { loss, accuracy } = infoNce(unitQ, unitK, { queue, own: rows, temperature });
    const [grad_q] = gradients(loss, [q]);
    indexCopy(queue, unitK, constant('pointer', Uint32Array.of(pointer)));
    ema([target], [online], { rate: constant('rate', Float32Array.of(1 - file.number('momentum'))) });
    return { loss, top1: accuracy, grad_q, unitQ, unitK };
  };
  expect(trace(build).graph.nodes.length).toBeGreaterThan(0);
  const { unitQ, unitK, ...results } = await run(device, build, { queue_after: queue, theta_k_after: target });
  for (const [name, value] of Object.entries(results)) expectClose(name, value, file.get(name), 3e-6);
  expectClose(
    'logits',
    logits(unitQ, unitK, file.get('queue').data, rows, file.number('temperature')),
    file.get('logits'),
    3e-6,
  );
  expect([(pointer + rows) % size]).toEqual([...file.get('pointer_after').data]);
  return undefined;
};

/** [q·k, q·queue]/τ row by row, which the op never stores: of the rows that it was given. */
function logits(q: Float32Array, k: Float32Array, queue: Float32Array, rows: number, temperature: number): number[] {
  const d = q.length / rows;
  const dot = (i: number, other: Float32Array, j: number) =>
    Array.from({ length: d }, (_, c) => q[i * d + c] * other[j * d + c]).reduce((a, b) => a + b) / temperature;
  const one = (i: number) => [dot(i, k, i), ...Array.from({ length: queue.length / d }, (_, j) => dot(i, queue, j))];
  return Array.from({ length: rows }, (_, i) => one(i)).flat();
}

export default check;
