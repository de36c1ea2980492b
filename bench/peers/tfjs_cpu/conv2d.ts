import { conv2d } from '../tfjs/ops/conv2d.ts';
import { onCpu } from './cpu.ts';

export default onCpu(conv2d);
