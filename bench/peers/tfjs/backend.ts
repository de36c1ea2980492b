import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';

export { tf };

// Fewer checks, and no advice to install another package.
tf.enableProdMode();

/** One of tfjs's backends. All run in one process, one at a time: tfjs has a current backend, and tensors belong to theirs. */
export interface Backend {
  readonly name: 'webgpu' | 'cpu' | 'wasm';
  /** Makes tfjs compute there from now on. */
  use(): Promise<void>;
  /** Resolves when all that was asked of it is done. */
  finish(): Promise<void>;
}

/** A backend that tfjs knows by itself and that computes before its functions return. */
export function synchronous(name: Backend['name']): Backend {
  return {
    name,
    use: async () => void (await tf.setBackend(name)),
    finish: async () => {},
  };
}

/** tfjs's two kernels for a convolution's gradient with respect to its input; the first is what it takes by itself. */
const convTransposes = [
  { setting: 'naive transpose', naive: true },
  { setting: 'matmul transpose', naive: false },
] as const;

/** For work in which that gradient occurs: the settings of a backend, each with what chooses its kernel. */
export const transposeSettings = ({ name }: Backend, plain: string) =>
  name === 'webgpu'
    ? convTransposes.map(({ setting, naive }) => ({
        setting,
        choose: () => tf.env().set('WEBGPU_USE_NAIVE_CONV2D_TRANSPOSE', naive),
      }))
    : [{ setting: plain, choose: () => {} }];
