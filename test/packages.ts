/**
 * Packages of test/package.json, which `scripts/setup.mjs --test` installs: undefined where it could not. Tests that need one are
 * skipped without it.
 */
const load = <T>(loading: Promise<T>): Promise<T | undefined> => loading.catch(() => undefined);

export const onnxruntime = await load(import('onnxruntime-node'));
export const transformers = await load(import('@huggingface/transformers'));
export const playwright = await load(import('playwright-core'));
export const axe = await load(import('axe-core'));
