import type { AdamProblem } from '../../cases/adam.ts';
import type { OpenPeer } from '../../contest.ts';
import { f32, openTorch } from './contestant.ts';

const open: OpenPeer<AdamProblem> = (_gpu, { weights, gradients, ...attributes }) =>
  openTorch('adam', { tensors: { weights: f32(weights), gradients: f32(gradients) }, attributes });

export default open;
