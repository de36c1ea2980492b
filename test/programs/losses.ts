/** Losses that no registered method has in its step. */
import { input } from '../../src/graph/trace.ts';
import { nPair } from '../../src/losses/n_pair.ts';
import { nce } from '../../src/losses/nce.ts';
import { supCon } from '../../src/losses/sup_con.ts';
import { add } from '../../src/ops/add.ts';
import { f32, type Traced, traced, withGradients } from '../programs.ts';

export default {
  'family of losses': () =>
    traced(() => {
      const [z, other] = [f32('z', 6, 5), f32('other', 6, 5)];
      const ofLabels = supCon(z, input('labels', [6], 'u32'), { temperature: f32('temperature', 1) });
      const ofDensities = nce({
        ...{ logPData: f32('p', 6), logQData: f32('q', 6) },
        ...{ logPNoise: f32('p of noise', 6, 2), logQNoise: f32('q of noise', 6, 2) },
      });
      const ofPairs = nPair(z, other, { l2: 0.02 }).loss;
      return withGradients(add(add(ofLabels, ofDensities), ofPairs), [z, other]);
    }),
} satisfies Record<string, () => Traced>;
