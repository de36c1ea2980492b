import { ntXent } from '../tfjs/ops/nt_xent.ts';
import { onWasm } from './wasm.ts';

export default onWasm(ntXent);
