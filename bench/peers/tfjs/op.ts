import type { Implementation, Values } from '../../benchmark.ts';
import { type Backend, tf } from './backend.ts';

/** Tensors that several implementations read. */
export class Shared {
  constructor(
    private readonly tensors: readonly tf.Tensor[],
    private readers = 1,
  ) {}

  /** Called once by each reader. */
  release(): void {
    if (--this.readers === 0) tf.dispose([...this.tensors]);
  }
}

/** What an implementation by tfjs is made of. */
export interface Expression {
  readonly setting: string;
  /** What it reads, released when all that read it were destroyed. */
  readonly inputs: Shared;
  /** Its outputs under our names. */
  compute(): Record<string, tf.Tensor>;
  /** Outputs that lie in memory otherwise than ours, and the order of axes that makes them alike. */
  readonly transposed?: Readonly<Record<string, number[]>>;
}

/** tfjs's side of a case that is an expression without state. */
export class TfjsOp implements Implementation {
  readonly setting: string;

  constructor(
    private readonly backend: Backend,
    private readonly expression: Expression,
  ) {
    this.setting = expression.setting;
  }

  async first(): Promise<Values> {
    await this.backend.use();
    const { compute, transposed = {} } = this.expression;
    const outputs = tf.tidy(() => {
      const computed = Object.entries(compute());
      return Object.fromEntries(
        computed.map(([name, y]) => [name, tf.transpose(y, transposed[name] ?? [...y.shape.keys()])]),
      );
    });
    const values = new Map<string, Float32Array>();
    for (const [name, output] of Object.entries(outputs)) values.set(name, (await output.data()) as Float32Array);
    tf.dispose(outputs);
    await this.backend.finish();
    return values;
  }

  async run(times: number): Promise<void> {
    await this.backend.use();
    for (let i = 0; i < times; i++) tf.dispose(tf.tidy(this.expression.compute));
    await this.backend.finish();
  }

  destroy(): void {
    this.expression.inputs.release();
  }
}
