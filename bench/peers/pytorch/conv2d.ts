import type { OpenPeer } from '../../benchmark.ts';
import type { ConvProblem } from '../../cases/conv2d.ts';
import { f32, openTorch } from './implementation.ts';

const open: OpenPeer<ConvProblem> = (
  _gpu,
  { direction, stride, padding, shape, weightShape, outShape, x, weight, dy },
) =>
  openTorch('conv2d', {
    tensors: { x: f32(x, shape), weight: f32(weight, weightShape), dy: f32(dy, outShape) },
    attributes: { direction, stride, padding },
  });

export default open;
