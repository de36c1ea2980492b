import { step } from '../tfjs/ops/step.ts';
import { onCpu } from './cpu.ts';

export default onCpu(step);
