import { conv2d } from '../tfjs/ops/conv2d.ts';
import { onWasm } from './wasm.ts';

export default onWasm(conv2d);
