import type { OpenPeer } from '../../benchmark.ts';
import type { CrossEntropyProblem } from '../../cases/cross_entropy.ts';
import { f32, openTorch } from './implementation.ts';

const open: OpenPeer<CrossEntropyProblem> = (_gpu, { rows, classes, logits, labels }) =>
  openTorch('cross_entropy', {
    tensors: { logits: f32(logits, [rows, classes]), labels: { dtype: 'I32', shape: [rows], data: labels } },
    attributes: {},
  });

export default open;
