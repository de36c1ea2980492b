import { maxPool } from '../tfjs/ops/max_pool.ts';
import { onWasm } from './wasm.ts';

export default onWasm(maxPool);
