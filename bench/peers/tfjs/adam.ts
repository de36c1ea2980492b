import { adam } from './ops/adam.ts';
import { onWebgpu } from './webgpu.ts';

export default onWebgpu(adam);
