import type { Implementation } from '../../../benchmark.ts';
import type { MatmulProblem } from '../../../cases/matmul.ts';
import { type Backend, tf } from '../backend.ts';
import { Shared, TfjsOp } from '../op.ts';

export function matmul(backend: Backend, problem: MatmulProblem): readonly Implementation[] {
  const { m, n, k, transposeA, transposeB } = problem;
  const a = tf.tensor2d(problem.a, transposeA ? [k, m] : [m, k]);
  const b = tf.tensor2d(problem.b, transposeB ? [n, k] : [k, n]);
  const compute = () => ({ c: tf.matMul(a, b, transposeA, transposeB) });
  return [new TfjsOp(backend, { setting: 'matMul', inputs: new Shared([a, b]), compute })];
}
