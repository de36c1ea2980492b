import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** scikit-learn's values: see make_sklearn_values.py, which wrote them. */
export const sklearn = JSON.parse(readFileSync(resolve(import.meta.dirname, 'sklearn_values.json'), 'utf8'));

export const f32 = (values: readonly number[]): Float32Array => Float32Array.from(values);
