import type { OpenPeer } from '../../benchmark.ts';
import type { VitProblem } from '../../cases/vit.ts';
import { f32, openTorch } from './implementation.ts';

/** Rows of patches with four channels are kernels of a convolution [dimensions, patch, patch, 4]. */
const asKernels = (name: string, shape: readonly number[]): readonly number[] => {
  if (name !== 'patch_embed.proj.weight') return shape;
  const patch = Math.sqrt(shape[1] / 4);
  return [shape[0], patch, patch, 4];
};

const open: OpenPeer<VitProblem> = (_gpu, { kind, heads, depth, shape, outputs, x, dy, parameters }) => {
  const values = [...parameters].map(([name, { shape, data }]) => [name, f32(data, asKernels(name, shape))] as const);
  return openTorch('vit', {
    tensors: { x: f32(x, shape), dy: f32(dy, outputs), ...Object.fromEntries(values) },
    attributes: { kind, heads, depth },
  });
};

export default open;
