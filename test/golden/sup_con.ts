import { constant } from '../../src/graph/trace.ts';
import { supCon } from '../../src/losses/sup_con.ts';
import { checkWithGradients } from './harness.ts';

export default checkWithGradients(['z'], ([z], file) => {
  const labels = constant('labels', Uint32Array.from(file.get('labels').data));
  return supCon(z, labels, { temperature: file.number('temperature') });
});
