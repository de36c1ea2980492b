import { maxPool } from '../tfjs/ops/max_pool.ts';
import { onCpu } from './cpu.ts';

export default onCpu(maxPool);
