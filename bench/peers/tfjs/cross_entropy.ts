import { crossEntropy } from './ops/cross_entropy.ts';
import { onWebgpu } from './webgpu.ts';

export default onWebgpu(crossEntropy);
