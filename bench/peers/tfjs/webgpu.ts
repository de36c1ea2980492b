import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { Gpu } from '../../../src/gpu/device.ts';
import type { Implementation, OpenPeer } from '../../benchmark.ts';
import { type Backend, tf } from './backend.ts';

let registered: GPUDevice | undefined;

/**
 * tfjs on our device: one adapter, one driver, one set of toggles. It asks `navigator.gpu` whether there is WebGPU; when it was
 * loaded that was not there, so it registered no backend of its own.
 */
function webgpu(gpu: Gpu): Backend {
  if (registered !== gpu.device) {
    const { navigator = null } = globalThis as { navigator?: object | null };
    const value = Object.create(navigator, { gpu: { value: {} } });
    Object.defineProperty(globalThis, 'navigator', { value, configurable: true });
    if (registered) tf.removeBackend('webgpu');
    tf.registerBackend('webgpu', () => new WebGPUBackend(gpu.device, gpu.adapter.info));
    registered = gpu.device;
  }
  return {
    name: 'webgpu',
    use: async () => void (await tf.setBackend('webgpu')),
    async finish() {
      const backend = tf.backend() as WebGPUBackend;
      // It collects dispatches, and cannot submit none.
      backend.endComputePassEncoder();
      if (backend['commandEncoder']) backend.submitQueue();
      await gpu.finish();
    },
  };
}

/** The peer for a case, given what makes its implementations on any backend. */
export const onWebgpu =
  <Problem>(make: (backend: Backend, problem: Problem) => readonly Implementation[]): OpenPeer<Problem> =>
  async (gpu, problem) => {
    const backend = webgpu(gpu);
    await backend.use();
    return make(backend, problem);
  };
