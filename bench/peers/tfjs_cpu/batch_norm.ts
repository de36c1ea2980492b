import { batchNorm } from '../tfjs/ops/batch_norm.ts';
import { onCpu } from './cpu.ts';

export default onCpu(batchNorm);
