import { adam } from '../tfjs/ops/adam.ts';
import { onWasm } from './wasm.ts';

export default onWasm(adam);
