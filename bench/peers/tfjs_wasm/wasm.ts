import { dirname, sep } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import type { Implementation, OpenPeer } from '../../benchmark.ts';
import { besideModule } from '../files.ts';
import { type Backend, synchronous } from '../tfjs/backend.ts';

const folder = dirname(besideModule(import.meta.url, 'peers/tfjs_wasm', 'tfjs-backend-wasm-simd.wasm')) + sep;

/** On one core with SIMD: tfjs uses no threads in Node. */
function prepare(): void {
  setWasmPaths(folder);
  // Its loader was a CommonJS file, and asks where it lies.
  Object.assign(globalThis, { __dirname: folder });
}

/** The peer for a case, given what makes its implementations on any backend. */
export const onWasm =
  <Problem>(make: (backend: Backend, problem: Problem) => readonly Implementation[]): OpenPeer<Problem> =>
  async (_gpu, problem) => {
    prepare();
    const backend = synchronous('wasm');
    await backend.use();
    return make(backend, problem);
  };
