import type { Gpu } from '../src/gpu/device.ts';
import type { Plan, PlanOptions, VariantSelector } from '../src/graph/plan.ts';
import { type Inputs, Program } from '../src/graph/program.ts';
import { State } from '../src/graph/state.ts';
import { byteLength, type Tensor } from '../src/graph/tensor.ts';
import { type Graph, trace } from '../src/graph/trace.ts';
import type { Benchmark, Check, Item, Ours, Traced, Values } from './benchmark.ts';
import { reference } from './reference.ts';
import { median } from './timing.ts';
import { chosen, otherThan } from './variants.ts';

/** Floating-point operations of one run. */
export const totalFlops = ({ launches }: Plan): number => launches.reduce((sum, { flops = 0 }) => sum + flops, 0);

/** Median time in kernels of a few runs, in milliseconds; undefined where the device has no clock, or one that stands still. */
export async function kernelTime(program: Program, inputs: () => Inputs = () => ({})): Promise<number | undefined> {
  if (!program.gpu.traits.features.has('timestamp-query')) return undefined;
  const totals: number[] = [];
  for (let run = 0; run < 3; run++) {
    const times = await program.profile(inputs());
    totals.push(times.reduce((sum, { milliseconds }) => sum + milliseconds, 0));
  }
  const ms = median(totals);
  return ms > 0 ? ms : undefined;
}

/** A case that is one graph of constants and variables. */
export interface GraphCase<Problem>
  extends Pick<Item<Problem>, 'name' | 'shape'>,
    Pick<Benchmark<Problem>, 'tolerance'> {
  /** Makes the data. */
  make(): Problem;
  /** Traces what is computed of them. */
  build(problem: Problem): Record<string, Tensor>;
}

/** Traces, for all that is returned to be computed. */
export function traceKept(build: () => Record<string, Tensor>): Traced {
  const { graph, result } = trace(build);
  return { graph, outputs: Object.values(result) };
}

/** The item of such a case. */
export const graphItem = <Problem>({ name, shape, make, build, tolerance }: GraphCase<Problem>): Item<Problem> => ({
  name,
  shape,
  trace: () => traceKept(() => build(make())),
  async open(gpu, options) {
    const problem = make();
    return { problem, ours: await GraphImplementation.open(gpu, options, () => build(problem)), tolerance };
  },
});

/** Above this many operations the float64 reference, which runs on one core, would take longer than the measurement. */
const mostReferenceFlops = 1e9;

/**
 * Our side of a case that is one graph of constants and variables. What `build` returns stays on the device: it is read once, to
 * be compared.
 */
export class GraphImplementation implements Ours {
  readonly setting = 'hand-written kernels';

  private constructor(
    private readonly gpu: Gpu,
    private readonly graph: Graph,
    private readonly results: Readonly<Record<string, Tensor>>,
    private readonly selectVariant: VariantSelector,
    private readonly program: Program,
    private readonly state: State,
  ) {}

  static async open(
    gpu: Gpu,
    options: Pick<PlanOptions, 'selectVariant'>,
    build: () => Record<string, Tensor>,
  ): Promise<GraphImplementation> {
    const { graph, result: results } = trace(build);
    const keep = Object.values(results);
    const selectVariant = await chosen(gpu, graph, keep, options);
    const state = new State(gpu);
    const program = await Program.compile(graph, state, {}, { keep, selectVariant });
    return new GraphImplementation(gpu, graph, results, selectVariant, program, state);
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
    return this.read(this.program);
  }

  async run(times: number): Promise<void> {
    for (let i = 0; i < times; i++) this.program.run();
    await this.gpu.finish();
  }

  /** By the float64 definitions; by other variants of the kernels where those would take too long. */
  async check(): Promise<Check | undefined> {
    const { gpu, graph, results } = this;
    if (this.flops <= mostReferenceFlops) return { name: 'float64 reference', values: reference(graph, results) };
    const keep = Object.values(results);
    const selectVariant = otherThan(gpu, graph, keep, this.selectVariant);
    if (!selectVariant) return undefined;
    const state = new State(gpu);
    const program = await Program.compile(graph, state, {}, { keep, selectVariant });
    program.run();
    const values = await this.read(program);
    program.destroy();
    state.destroy();
    return { name: 'other variants', values };
  }

  private async read(program: Program): Promise<Values> {
    const values = new Map<string, Float32Array>();
    for (const [name, tensor] of Object.entries(this.results)) {
      values.set(name, (await program.inspect(tensor)) as Float32Array);
    }
    this.gpu.check();
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
