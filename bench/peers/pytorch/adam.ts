import type { OpenPeer } from '../../benchmark.ts';
import type { AdamProblem } from '../../cases/adam.ts';
import { f32, openTorch } from './implementation.ts';

const open: OpenPeer<AdamProblem> = (_gpu, { weights, gradients, ...attributes }) =>
  openTorch('adam', { tensors: { weights: f32(weights), gradients: f32(gradients) }, attributes });

export default open;
