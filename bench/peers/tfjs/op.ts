import type { Gpu } from '../../../src/gpu/device.ts';
import type { Contestant, Values } from '../../contest.ts';
import { tf } from './backend.ts';

/** tfjs's side of a case that is an expression without state. `compute` returns its outputs under our names. */
export class TfjsOp implements Contestant {
  constructor(
    private readonly gpu: Gpu,
    readonly setting: string,
    private readonly compute: () => Record<string, tf.Tensor>,
    /** Outputs that lie in memory otherwise than ours, and the order of axes that makes them alike. */
    private readonly transposed: Readonly<Record<string, number[]>> = {},
  ) {}

  async first(): Promise<Values> {
    const outputs = tf.tidy(() => {
      const computed = Object.entries(this.compute());
      return Object.fromEntries(
        computed.map(([name, y]) => [name, tf.transpose(y, this.transposed[name] ?? [...y.shape.keys()])]),
      );
    });
    return this.read(outputs);
  }

  async again(): Promise<void> {
    await this.read(tf.tidy(this.compute));
  }

  private async read(outputs: Record<string, tf.Tensor>): Promise<Values> {
    const values = new Map<string, Float32Array>();
    for (const [name, output] of Object.entries(outputs)) values.set(name, (await output.data()) as Float32Array);
    tf.dispose(outputs);
    this.gpu.check();
    return values;
  }

  destroy(): void {}
}
