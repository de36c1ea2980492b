import type { Gpu } from '../src/gpu/device.ts';
import type { Plan, PlanOptions } from '../src/graph/plan.ts';
import { type Inputs, Program } from '../src/graph/program.ts';
import { State } from '../src/graph/state.ts';
import { byteLength, type Node, type Tensor } from '../src/graph/tensor.ts';
import { type Graph, trace } from '../src/graph/trace.ts';
import type { Check, Ours, Values } from './contest.ts';
import { reference } from './reference.ts';

/** Floating-point operations of one run. */
export const totalFlops = ({ launches }: Plan): number => launches.reduce((sum, { flops = 0 }) => sum + flops, 0);

/** Kernel-only time of one run in milliseconds; undefined where the device has no clock, or one that stands still. */
export async function kernelTime(program: Program, inputs: Inputs = {}): Promise<number | undefined> {
  if (!program.gpu.traits.features.has('timestamp-query')) return undefined;
  const times = await program.profile(inputs);
  const total = times.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  return total > 0 ? total : undefined;
}

/** Above this many operations the float64 reference, which runs on one core, would take longer than the measurement. */
const mostReferenceFlops = 1e9;

/**
 * Our side of a case that is one graph of constants and variables. What `build` returns stays on the device: it is read once, to
 * be compared.
 */
export class GraphContestant implements Ours {
  readonly setting = 'hand-written kernels';

  private constructor(
    private readonly gpu: Gpu,
    private readonly graph: Graph,
    private readonly results: Readonly<Record<string, Tensor>>,
    private readonly program: Program,
    private readonly state: State,
    private readonly others: readonly string[],
  ) {}

  static async open(
    gpu: Gpu,
    options: Pick<PlanOptions, 'choose'>,
    build: () => Record<string, Tensor>,
  ): Promise<GraphContestant> {
    const { graph, result: results } = trace(build);
    const state = new State(gpu);
    const others = new Set<string>();
    const choose = (node: Node, names: readonly string[]) => {
      const chosen = options.choose?.(node, names);
      for (const name of names) if (name !== (chosen ?? names[0])) others.add(name);
      return chosen;
    };
    const program = await Program.compile(graph, state, {}, { keep: Object.values(results), choose });
    return new GraphContestant(gpu, graph, results, program, state, [...others]);
  }

  get flops(): number {
    return totalFlops(this.program.plan);
  }

  /** Leaves once, those that are updated twice, and results that are no leaves. */
  get bytes(): number {
    const { leaves, nodes } = this.program.plan;
    const updated = nodes.flatMap(({ op, attrs, inputs }) => (op.mutates?.(attrs, inputs) ?? []).map((i) => inputs[i]));
    const made = Object.values(this.results).filter(({ node }) => node);
    return [...leaves, ...new Set(updated), ...made].reduce((sum, tensor) => sum + byteLength(tensor), 0);
  }

  async first(): Promise<Values> {
    this.program.run();
    return readResults(this.program, this.results);
  }

  async run(times: number): Promise<void> {
    for (let i = 0; i < times; i++) this.program.run();
    await this.gpu.device.queue.onSubmittedWorkDone();
    this.gpu.check();
  }

  /** By the float64 definitions, or by the first other variant where those would take too long. */
  async check(): Promise<Check | undefined> {
    if (this.flops <= mostReferenceFlops) {
      return { name: 'float64 reference', values: reference(this.graph, this.results) };
    }
    const [other] = this.others;
    return other === undefined ? undefined : { name: `variant '${other}'`, values: await this.byVariant(other) };
  }

  private async byVariant(variant: string): Promise<Values> {
    const choose = (_node: Node, names: readonly string[]) => names.find((name) => name === variant);
    const state = new State(this.gpu);
    const program = await Program.compile(this.graph, state, {}, { keep: Object.values(this.results), choose });
    program.run();
    const values = await readResults(program, this.results);
    program.destroy();
    state.destroy();
    return values;
  }

  kernelTime(): Promise<number | undefined> {
    return kernelTime(this.program);
  }

  destroy(): void {
    this.program.destroy();
    this.state.destroy();
  }
}

async function readResults(program: Program, results: Readonly<Record<string, Tensor>>): Promise<Values> {
  const values = new Map<string, Float32Array>();
  for (const [name, tensor] of Object.entries(results)) {
    values.set(name, (await program.inspect(tensor)) as Float32Array);
  }
  program.gpu.check();
  return values;
}
