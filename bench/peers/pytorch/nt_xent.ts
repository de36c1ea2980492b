import type { OpenPeer } from '../../benchmark.ts';
import type { NtXentProblem } from '../../cases/nt_xent.ts';
import { f32, openTorch } from './implementation.ts';

const open: OpenPeer<NtXentProblem> = (_gpu, { z, shape, temperature }) =>
  openTorch('nt_xent', { tensors: { z: f32(z, shape) }, attributes: { temperature } });

export default open;
