import { crossEntropy } from '../tfjs/ops/cross_entropy.ts';
import { onWasm } from './wasm.ts';

export default onWasm(crossEntropy);
