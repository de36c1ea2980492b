import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import type { Gpu } from '../../../src/gpu/device.ts';

export { tf };

/**
 * Makes tfjs compute on our device: one adapter, one driver, one set of toggles. It asks `navigator.gpu` whether there is WebGPU;
 * when it was loaded that was not there, so it registered no backend of its own.
 */
export async function useDevice({ device, adapter }: Gpu): Promise<void> {
  const { navigator = null } = globalThis as { navigator?: object | null };
  const value = Object.create(navigator, { gpu: { value: {} } });
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true });
  tf.registerBackend('webgpu', () => new WebGPUBackend(device, adapter.info));
  await tf.setBackend('webgpu');
}

/** tfjs's two kernels for a convolution's gradient with respect to its input; the first is what it takes by itself. */
export const convTransposes = [
  { setting: 'naive transpose', naive: true },
  { setting: 'matmul transpose', naive: false },
] as const;

export const chooseConvTranspose = (naive: boolean): void => tf.env().set('WEBGPU_USE_NAIVE_CONV2D_TRANSPOSE', naive);
