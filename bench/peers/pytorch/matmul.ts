import type { OpenPeer } from '../../benchmark.ts';
import type { MatmulProblem } from '../../cases/matmul.ts';
import { f32, openTorch } from './implementation.ts';

const open: OpenPeer<MatmulProblem> = (_gpu, { m, n, k, transposeA, transposeB, a, b }) =>
  openTorch('matmul', {
    tensors: { a: f32(a, transposeA ? [k, m] : [m, k]), b: f32(b, transposeB ? [n, k] : [k, n]) },
    attributes: { transposeA, transposeB },
  });

export default open;
