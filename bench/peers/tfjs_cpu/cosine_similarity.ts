import { cosineSimilarity } from '../tfjs/ops/cosine_similarity.ts';
import { onCpu } from './cpu.ts';

export default onCpu(cosineSimilarity);
