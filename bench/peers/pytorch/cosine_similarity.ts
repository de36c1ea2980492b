import type { OpenPeer } from '../../benchmark.ts';
import type { CosineProblem } from '../../cases/cosine_similarity.ts';
import { f32, openTorch } from './implementation.ts';

const open: OpenPeer<CosineProblem> = (_gpu, { rows, others, columns, a, b }) =>
  openTorch('cosine_similarity', {
    tensors: { a: f32(a, [rows, columns]), b: f32(b, [others, columns]) },
    attributes: {},
  });

export default open;
