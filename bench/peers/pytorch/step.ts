import type { OpenPeer } from '../../benchmark.ts';
import type { StepProblem } from '../../cases/step.ts';
import { f32, openTorch } from './implementation.ts';

/**
 * TF32 and float16 turn activations near 0 to the other side of their ReLUs, and gradients add that up through 20 layers. With
 * products rounded like that in this very step (8 pairs at 96×96, and 2 at 32×32) the loss moved by up to 2e-3, gradients by 0.1 to
 * 0.3 of their norms, the weights after Adam's first step, lr·sign(gradient), by 1e-2.
 */
const coarse = (name: string): number => (name === 'loss' ? 1e-2 : name === 'updated weights' ? 2e-2 : 0.5);

const open: OpenPeer<StepProblem> = (_gpu, { pairs, imageSize, views, parameters, ...attributes }) => {
  const values = [...parameters].map(([name, { shape, data }]) => [name, f32(data, shape)] as const);
  const shape = [2 * pairs, imageSize, imageSize, 3];
  return openTorch(
    'step',
    { tensors: { views: f32(views, shape), ...Object.fromEntries(values) }, attributes },
    coarse,
  );
};

export default open;
