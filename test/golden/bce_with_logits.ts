import { bceWithLogits } from '../../src/losses/bce_with_logits.ts';
import { checkWithGradients, tensorOf } from './harness.ts';

export default checkWithGradients(['logits'], ([logits], file) =>
  bceWithLogits(logits, tensorOf('targets', file.get('targets'))),
);
