/** What the programs of a step in pieces leave for those behind them. */
import type { Tensor } from '../graph/tensor.ts';
import { variable } from '../graph/trace.ts';

/** Of the whole batch: z, dz, the loss and what is logged. */
export class KeptTensors {
  private readonly scalars = new Map<string, Tensor>();
  private embeddings: Tensor | undefined;
  private gradient: Tensor | undefined;

  constructor(
    private readonly piece: number,
    private readonly batch: number,
  ) {}

  /** z of the batch, from the shape that a piece of it has. */
  z(piece: Tensor): Tensor {
    const [rows, ...more] = piece.shape;
    const shape = [(rows / this.piece) * this.batch, ...more];
    this.embeddings = variable('z of the batch', shape);
    return this.embeddings;
  }

  get whole(): Tensor {
    return this.embeddings!;
  }

  get dz(): Tensor {
    this.gradient ??= variable('dz of the batch', this.whole.shape);
    return this.gradient;
  }

  /** Rows of an image, such as its views: z has so many parts of N rows. */
  get parts(): number {
    return this.whole.shape[0] / this.batch;
  }

  /** Those that were asked for, by name. */
  allScalars(): Readonly<Record<string, Tensor>> {
    return Object.fromEntries(this.scalars);
  }

  scalar(name: string): Tensor {
    let known = this.scalars.get(name);
    if (!known) this.scalars.set(name, (known = variable(`${name} of the batch`, [1])));
    return known;
  }
}
