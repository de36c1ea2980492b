import { crossEntropy } from '../tfjs/ops/cross_entropy.ts';
import { onCpu } from './cpu.ts';

export default onCpu(crossEntropy);
