import { matmul } from '../tfjs/ops/matmul.ts';
import { onCpu } from './cpu.ts';

export default onCpu(matmul);
