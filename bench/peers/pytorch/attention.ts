import type { OpenPeer } from '../../benchmark.ts';
import type { AttentionProblem } from '../../cases/attention.ts';
import { f32, openTorch } from './implementation.ts';

const open: OpenPeer<AttentionProblem> = (_gpu, { shape, ...arrays }) => {
  const tensors = Object.entries(arrays).map(([name, data]) => [name, f32(data, shape)] as const);
  return openTorch('attention', { tensors: Object.fromEntries(tensors), attributes: {} });
};

export default open;
