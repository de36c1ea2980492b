import { ntXent } from './ops/nt_xent.ts';
import { onWebgpu } from './webgpu.ts';

export default onWebgpu(ntXent);
