import type { Implementation } from '../../../benchmark.ts';
import type { CosineProblem } from '../../../cases/cosine_similarity.ts';
import { type Backend, tf } from '../backend.ts';
import { Shared, TfjsOp } from '../op.ts';

/** Rows of length 1. */
export const unitRows = (x: tf.Tensor2D): tf.Tensor2D => tf.div(x, tf.norm(x, 'euclidean', 1, true));

export function cosineSimilarity(backend: Backend, problem: CosineProblem): readonly Implementation[] {
  const { rows, others, columns } = problem;
  const [a, b] = [tf.tensor2d(problem.a, [rows, columns]), tf.tensor2d(problem.b, [others, columns])];
  const compute = () => ({ s: tf.matMul(unitRows(a), unitRows(b), false, true) });
  return [new TfjsOp(backend, { setting: 'composed of its ops', inputs: new Shared([a, b]), compute })];
}
