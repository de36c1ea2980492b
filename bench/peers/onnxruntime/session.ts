import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { messageOf, UserError } from '../../../src/errors.ts';
import type { Implementation, Values } from '../../benchmark.ts';
import { encodeModel, type NodeSpec } from './model.ts';

/** What is used of `onnxruntime-node`, which is no dependency: it weighs more than all others together. */
interface OnnxRuntime {
  readonly InferenceSession: { create(model: Uint8Array): Promise<OnnxSession> };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => object;
}

interface OnnxSession {
  run(inputs: Readonly<Record<string, object>>): Promise<Readonly<Record<string, { readonly data: Float32Array }>>>;
  release(): Promise<void>;
}

function load(): OnnxRuntime {
  try {
    // Of test/package.json, which the tests' set-up installs, or else the project's own.
    return createRequire(resolve('test', 'package.json'))('onnxruntime-node') as OnnxRuntime;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND';
    const why = missing ? 'is not installed' : `cannot be loaded (${messageOf(error)})`;
    throw new UserError(`onnxruntime-node ${why}; install it with: npm install --no-save onnxruntime-node (250 MB)`);
  }
}

class OnnxImplementation implements Implementation {
  readonly setting = 'CPU';

  constructor(
    private readonly session: OnnxSession,
    private readonly inputs: Readonly<Record<string, object>>,
    private readonly output: string,
    private readonly toOurs: (data: Float32Array) => Float32Array,
  ) {}

  async first(): Promise<Values> {
    const { [this.output]: result } = await this.session.run(this.inputs);
    return new Map([[this.output, this.toOurs(result.data)]]);
  }

  async run(times: number): Promise<void> {
    for (let i = 0; i < times; i++) await this.session.run(this.inputs);
  }

  destroy(): void {
    void this.session.release();
  }
}

/**
 * An implementation that runs one node on all cores. UserError: the package is not installed.
 *
 * @param values what is fed to the node's inputs that the model does not hold
 * @param toOurs brings the result into our layout
 */
export async function openOnnx(
  node: NodeSpec,
  values: Readonly<Record<string, Float32Array>>,
  toOurs: (data: Float32Array) => Float32Array = (data) => data,
): Promise<readonly Implementation[]> {
  const { InferenceSession, Tensor } = load();
  const session = await InferenceSession.create(encodeModel(node));
  const shapeOf = (name: string) => node.inputs.find((input) => input.name === name)!.shape;
  const tensors = Object.entries(values).map(([name, data]) => [name, new Tensor('float32', data, shapeOf(name))]);
  return [new OnnxImplementation(session, Object.fromEntries(tensors), node.output.name, toOurs)];
}
