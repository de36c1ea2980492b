import { step } from './ops/step.ts';
import { onWebgpu } from './webgpu.ts';

export default onWebgpu(step);
