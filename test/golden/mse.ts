import { mse } from '../../src/losses/mse.ts';
import { checkWithGradients, tensorOf } from './harness.ts';

export default checkWithGradients(['pred'], ([pred], file) => mse(pred, tensorOf('target', file.get('target'))));
