import { batchNorm } from './ops/batch_norm.ts';
import { onWebgpu } from './webgpu.ts';

export default onWebgpu(batchNorm);
