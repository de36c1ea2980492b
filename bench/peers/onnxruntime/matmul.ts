import type { OpenPeer } from '../../benchmark.ts';
import type { MatmulProblem } from '../../cases/matmul.ts';
import { openOnnx } from './session.ts';

const open: OpenPeer<MatmulProblem> = async (_gpu, { m, n, k, transposeA, transposeB, a, b }) => {
  const node = {
    type: 'Gemm',
    attributes: { transA: Number(transposeA), transB: Number(transposeB) },
    inputs: [
      { name: 'a', shape: transposeA ? [k, m] : [m, k] },
      { name: 'b', shape: transposeB ? [n, k] : [k, n] },
    ],
    output: { name: 'c', shape: [m, n] },
  };
  return openOnnx(node, { a, b });
};

export default open;
