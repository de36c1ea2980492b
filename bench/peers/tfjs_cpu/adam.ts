import { adam } from '../tfjs/ops/adam.ts';
import { onCpu } from './cpu.ts';

export default onCpu(adam);
