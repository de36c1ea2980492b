import { matmul } from './ops/matmul.ts';
import { onWebgpu } from './webgpu.ts';

export default onWebgpu(matmul);
