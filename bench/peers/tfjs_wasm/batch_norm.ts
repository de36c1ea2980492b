import { batchNorm } from '../tfjs/ops/batch_norm.ts';
import { onWasm } from './wasm.ts';

export default onWasm(batchNorm);
