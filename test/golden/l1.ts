import { l1 } from '../../src/losses/l1.ts';
import { checkWithGradients, tensorOf } from './harness.ts';

export default checkWithGradients(['pred'], ([pred], file) => l1(pred, tensorOf('target', file.get('target'))));
