import { maxPool } from './ops/max_pool.ts';
import { onWebgpu } from './webgpu.ts';

export default onWebgpu(maxPool);
