import { input } from '../../src/graph/trace.ts';
import { infoNce } from '../../src/losses/info_nce.ts';
import { f32, type Traced, traced, withGradients } from '../programs.ts';

const programs: Record<string, () => Traced> = {
  'family info_nce, a queue': () =>
    traced(() => {
      const [q, keys, queue] = [f32('q', 5, 7), f32('keys', 5, 7), f32('queue', 70, 7)];
      const { loss } = infoNce(q, keys, { queue, own: 5, temperature: f32('temperature', 1) });
      return withGradients(loss, [q, keys, queue]);
    }),
  'family info_nce, rows with each other': () =>
    traced(() => {
      const z = f32('z', 5, 7);
      const target = input('target', [5], 'u32');
      return withGradients(infoNce(z, z, { target, temperature: 0.5 }).loss, [z]);
    }),
};

export default programs;
