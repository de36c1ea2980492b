import type { Gpu } from '../src/gpu/device.ts';
import { Program } from '../src/graph/program.ts';
import { State } from '../src/graph/state.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import { trace } from '../src/graph/trace.ts';
import type { Contestant, Values } from './contest.ts';

/** Floating-point operations of one run. */
export const totalFlops = ({ plan }: Program): number => plan.launches.reduce((sum, { flops = 0 }) => sum + flops, 0);

/** Our side of a case that is one graph of constants: its outputs are what is compared. */
export class GraphContestant implements Contestant {
  readonly setting = 'hand-written kernels';

  private constructor(
    private readonly program: Program,
    private readonly state: State,
  ) {}

  static async open(gpu: Gpu, build: () => Record<string, Tensor>): Promise<GraphContestant> {
    const { graph, result: outputs } = trace(build);
    const state = new State(gpu);
    return new GraphContestant(await Program.compile(graph, state, outputs), state);
  }

  get flops(): number {
    return totalFlops(this.program);
  }

  async first(): Promise<Values> {
    return new Map(Object.entries(await this.program.run().read())) as Values;
  }

  async again(): Promise<void> {
    await this.program.run().read();
  }

  destroy(): void {
    this.program.destroy();
    this.state.destroy();
  }
}
