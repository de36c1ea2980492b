import type { Tensor } from '../../src/graph/tensor.ts';
import { crossViewEntropy } from '../../src/losses/cross_view.ts';
import { sinkhorn } from '../../src/losses/sinkhorn.ts';
import { div } from '../../src/ops/binary.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { concat, slice } from '../../src/ops/strided_copy.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

/** Codes of the two global crops, with a queue where the file has one, and the loss of all crops. */
const check: GoldenCheck = async (file, device) => {
  const [epsilon, iterations, temperature] = ['epsilon', 'iterations', 'temperature'].map((name) => file.number(name));
  const results = await run(device, () => {
    const given = tensorOf('scores', file.get('scores'));
    const [views, images, columns] = given.shape;
    const scores = reshape(given, [views * images, columns]);
    const queued = file.has('queue_scores') ? tensorOf('queue_scores', file.get('queue_scores')) : undefined;
    const codes = concat(
      [0, 1].map((view) => {
        const own = slice(scores, 0, view * images, (view + 1) * images);
        const before: Tensor[] = queued ? [reshape(slice(queued, 0, view, view + 1), queued.shape.slice(1))] : [];
        return slice(sinkhorn(concat([...before, own], 0), { epsilon, iterations }), 0, -images);
      }),
      0,
    );
    const loss = crossViewEntropy(div(scores, temperature), codes);
    return { codes, loss, grad_scores: gradients(loss, [given])[0] };
  });
  for (const [name, value] of Object.entries(results)) expectClose(name, value, file.get(name), 3e-6);
  return undefined;
};

export default check;
