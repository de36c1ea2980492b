import { matmul } from '../tfjs/ops/matmul.ts';
import { onWasm } from './wasm.ts';

export default onWasm(matmul);
