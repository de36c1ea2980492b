import { marginContrastive } from '../../src/losses/margin_contrastive.ts';
import { checkWithGradients, tensorOf } from './harness.ts';

export default checkWithGradients(['xi', 'xj'], ([xi, xj], file) =>
  marginContrastive(xi, xj, tensorOf('same', file.get('same')), { margin: file.number('margin') }),
);
