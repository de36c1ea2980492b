import { constant } from '../../src/graph/trace.ts';
import { crossEntropy } from '../../src/ops/cross_entropy.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const labels = constant('labels', Int32Array.from(file.get('labels').data));
  const { loss, dlogits } = await run(device, () => {
    const logits = tensorOf('logits', file.get('logits'));
    const { loss } = crossEntropy(logits, labels);
    return { loss, dlogits: gradients(loss, [logits])[0] };
  });
  const [rows, classes] = file.get('logits').shape;
  expectClose('loss', loss, file.get('loss'), toleranceOf(rows + classes));
  // The exponential of a difference of logits, which may be some 10: its error is as many ε.
  expectClose('grad_logits', dlogits, file.get('grad_logits'), 10 * toleranceOf(classes));
  return undefined;
};

export default check;
