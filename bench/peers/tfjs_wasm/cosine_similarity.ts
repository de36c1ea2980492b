import { cosineSimilarity } from '../tfjs/ops/cosine_similarity.ts';
import { onWasm } from './wasm.ts';

export default onWasm(cosineSimilarity);
