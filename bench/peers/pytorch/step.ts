import type { StepProblem } from '../../cases/step.ts';
import type { OpenPeer } from '../../contest.ts';
import { f32, openTorch } from './contestant.ts';

const open: OpenPeer<StepProblem> = (_gpu, { pairs, imageSize, views, parameters, ...attributes }) => {
  const values = [...parameters].map(([name, { shape, data }]) => [name, f32(data, shape)] as const);
  const shape = [2 * pairs, imageSize, imageSize, 3];
  return openTorch('step', { tensors: { views: f32(views, shape), ...Object.fromEntries(values) }, attributes });
};

export default open;
