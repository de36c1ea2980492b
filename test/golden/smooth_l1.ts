import { smoothL1 } from '../../src/losses/smooth_l1.ts';
import { checkWithGradients, tensorOf } from './harness.ts';

export default checkWithGradients(['pred'], ([pred], file) =>
  smoothL1(pred, tensorOf('target', file.get('target')), { beta: file.number('beta') }),
);
