import type { OpenPeer } from '../../benchmark.ts';
import type { BatchNormProblem } from '../../cases/batch_norm.ts';
import { f32, openTorch } from './implementation.ts';

const open: OpenPeer<BatchNormProblem> = (_gpu, { shape, x, weight, bias, dy }) =>
  openTorch('batch_norm', {
    tensors: { x: f32(x, shape), weight: f32(weight), bias: f32(bias), dy: f32(dy, shape) },
    attributes: {},
  });

export default open;
