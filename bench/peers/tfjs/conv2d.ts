import { conv2d } from './ops/conv2d.ts';
import { onWebgpu } from './webgpu.ts';

export default onWebgpu(conv2d);
