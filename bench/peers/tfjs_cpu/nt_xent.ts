import { ntXent } from '../tfjs/ops/nt_xent.ts';
import { onCpu } from './cpu.ts';

export default onCpu(ntXent);
