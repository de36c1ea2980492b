import { cosineSimilarity } from './ops/cosine_similarity.ts';
import { onWebgpu } from './webgpu.ts';

export default onWebgpu(cosineSimilarity);
