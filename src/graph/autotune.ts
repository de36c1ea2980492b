/**
 * Chooses kernel variants by measurement. Every node for which an op offers several (`Lowering.pick`) is run alone, on made-up
 * values of its own shapes, once with each variant; a variant may only win if its results equal those of one that runs other kernels.
 */
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { agreement, fill, sampleOf, timeOf } from './autotune_measure.ts';
import type { Chooser } from './chooser.ts';
import { type Choose, type PlanOptions, plan } from './plan.ts';
import { Program } from './program.ts';
import { State } from './state.ts';
import type { Launch, Node, Tensor } from './tensor.ts';
import { apply, type Graph, trace, variable } from './trace.ts';

/** What was found for one op and shape: the winner, and the time of each variant that was right, in milliseconds. */
export interface Tuning {
  readonly variant: string;
  /** Fingerprint of the kernels that were compared: findings about others are worth nothing. */
  readonly code: string;
  readonly milliseconds: Readonly<Record<string, number>>;
}

/** Where findings are kept from run to run. */
export interface TuningCache {
  read(key: string): Tuning | undefined;
  write(key: string, tuning: Tuning): void;
}

export interface TuningEvents {
  onTune?(done: number, total: number, what: string): void;
  /** A variant gave other results than the others, or could not run. It is not used. */
  onRejected?(message: string): void;
  /** Something was chosen: `choices` has grown. */
  onChoice?(): void;
}

/** A node by itself: its inputs are variables of the same shapes. */
interface Isolated {
  readonly key: string;
  readonly graph: Graph;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly names: readonly string[];
}

/** One device's findings. `choices` holds what programs were made with: a run that goes on pins it, to stay the same run. */
export class Tuner implements Chooser {
  readonly choices = new Map<string, string>();

  constructor(
    private readonly gpu: Gpu,
    private readonly cache: TuningCache,
    private readonly events: TuningEvents = {},
  ) {}

  /** Takes these variants without measuring, where they are still offered. */
  pin(choices: Readonly<Record<string, string>>): void {
    for (const [key, variant] of Object.entries(choices)) this.choices.set(key, variant);
  }

  /** The choice for a graph that is to be planned with these options; measures what is not known yet. */
  async choose(graph: Graph, outputs: readonly Tensor[], options: PlanOptions): Promise<Choose> {
    const items = this.itemsOf(graph, outputs, options);
    const unknown = items.filter((item) => !this.recall(item));
    for (const [index, item] of unknown.entries()) {
      this.events.onTune?.(index, unknown.length, item.key);
      const tuning = await this.measure(item).catch((error: unknown) => {
        throw error instanceof UserError ? whileTuning(item, error) : error;
      });
      this.cache.write(item.key, tuning);
      this.choices.set(item.key, tuning.variant);
    }
    if (unknown.length > 0) this.events.onTune?.(unknown.length, unknown.length, 'done');
    if (items.length > 0) this.events.onChoice?.();
    return this.taken;
  }

  /** The choice by what is known already, with nothing measured: of how many ops and shapes there are variants, and known for how many. */
  known(graph: Graph, outputs: readonly Tensor[]): { choose: Choose; known: number; total: number } {
    const items = this.itemsOf(graph, outputs, {});
    const known = items.filter((item) => this.recall(item));
    return { choose: this.taken, known: known.length, total: items.length };
  }

  private readonly taken: Choose = (node, names) => this.choices.get(keyOf(node, names));

  /** What there is to choose, each op and shape once. */
  private itemsOf(graph: Graph, outputs: readonly Tensor[], options: PlanOptions): Isolated[] {
    const found = new Map<string, Isolated>();
    plan(graph, outputs, this.gpu.traits, {
      ...options,
      choose: (node, names) => {
        if (names.length > 1) found.set(keyOf(node, names), isolate(node, names));
        return undefined;
      },
    });
    return [...found.values()];
  }

  /** Whether the variant is known: chosen already, or found in the cache for these very kernels. */
  private recall(item: Isolated): boolean {
    const { key, names } = item;
    if (this.choices.has(key)) return true;
    const known = this.cache.read(key);
    if (!known || !names.includes(known.variant) || known.code !== this.codeOf(item)) return false;
    this.choices.set(key, known.variant);
    return true;
  }

  /** A fingerprint of everything that the variants would launch. */
  private codeOf(item: Isolated): string {
    const parts = item.names.map((name) =>
      this.launchesOf(item, name)?.map(({ kernel, constants, workgroups }) =>
        JSON.stringify([kernel.code, constants, workgroups]),
      ),
    );
    return fingerprint(parts.join());
  }

  /** What a variant would launch; undefined where it does not fit the device. */
  private launchesOf({ graph, outputs }: Isolated, name: string): readonly Launch[] | undefined {
    try {
      return plan(graph, outputs, this.gpu.traits, { choose: () => name }).launches;
    } catch (error) {
      if (error instanceof UserError) return undefined;
      throw error;
    }
  }

  private async measure(item: Isolated): Promise<Tuning> {
    const { gpu, events } = this;
    const state = new State(gpu);
    for (const input of item.inputs) fill(gpu, state, input);
    const trials: Trial[] = [];
    for (const name of item.names) {
      if (gpu.traits.software && this.launchesOf(item, name)?.some(hasBarriers)) continue;
      const program = await this.compile(item, state, name);
      if (!program) continue;
      const best = Math.min(...trials.map(({ milliseconds }) => milliseconds));
      const milliseconds = await timeOf(gpu, program, best);
      const kernels = new Set(program.plan.launches.map(({ kernel }) => kernel.name));
      trials.push({ name, kernels, milliseconds, sample: await sampleOf(program, item.outputs) });
      program.destroy();
      gpu.trim();
    }
    state.destroy();
    const dtype = [...item.inputs, ...item.outputs].some((tensor) => tensor.dtype === 'f16') ? 'f16' : 'f32';
    // What ran alone is all that there is.
    const right = trials.filter(
      (trial) =>
        trials.length === 1 || witnesses(trial, trials).some((other) => agreement(trial.sample, other.sample, dtype)),
    );
    for (const { name } of trials.filter((trial) => !right.includes(trial)))
      events.onRejected?.(`${item.key}: variant '${name}' agrees with no other; it is not used`);
    const sorted = right.toSorted((a, b) => a.milliseconds - b.milliseconds);
    return {
      variant: (sorted[0] ?? trials[0])?.name ?? item.names[0],
      code: this.codeOf(item),
      milliseconds: Object.fromEntries(sorted.map(({ name, milliseconds }) => [name, milliseconds])),
    };
  }

  private async compile({ key, graph, outputs }: Isolated, state: State, name: string): Promise<Program | undefined> {
    try {
      return await Program.compile(graph, state, {}, { keep: outputs, choose: () => name });
    } catch (error) {
      // A device that failed can tell nothing of this variant, nor of any other: nothing must be noted for later runs.
      if (!(error instanceof UserError) || this.gpu.failure) throw error;
      this.gpu.trim();
      this.events.onRejected?.(`${key}: variant '${name}' cannot run here (${error.message})`);
      return undefined;
    }
  }
}

const whileTuning = ({ key }: Isolated, { message, exitCode }: UserError): UserError =>
  new UserError(`${message} (while measuring variants of ${key.split(' ', 1)[0]}; --no-autotune skips this)`, exitCode);

/** What came of a variant. */
interface Trial {
  readonly name: string;
  readonly kernels: ReadonlySet<string>;
  readonly sample: Float32Array;
  readonly milliseconds: number;
}

/**
 * The variants by which one is checked: those that run another kernel, for one kernel in blocks of several sizes goes wrong in all of
 * them alike where a driver does not do what it was written for; all others where there is none.
 */
function witnesses(trial: Trial, trials: readonly Trial[]): readonly Trial[] {
  const others = trials.filter((other) => other !== trial);
  const lacks = (a: Trial, b: Trial): boolean => [...b.kernels].some((kernel) => !a.kernels.has(kernel));
  const independent = others.filter((other) => lacks(trial, other) && lacks(other, trial));
  return independent.length > 0 ? independent : others;
}

/** Software rasterisers run barriers as coroutines, at a hundredth of the speed: such variants are not worth trying there. */
const hasBarriers = ({ kernel }: Launch): boolean => /\bworkgroupBarrier\s*\(/.test(kernel.code);

/** What decides which variant is the fastest: op, shapes, types, attributes, and what there is to choose from. */
function keyOf({ op, inputs, attrs }: Node, names: readonly string[]): string {
  const specs = inputs.map(({ shape, dtype }) => `${dtype}[${shape}]`);
  return `${op.name} ${specs.join(' ')} ${JSON.stringify(attrs)} of ${names.join(' ')}`;
}

/** FNV-1a, 32 bits. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

function isolate(node: Node, names: readonly string[]): Isolated {
  const copies = new Map<Tensor, Tensor>();
  const inputs = node.inputs.map((tensor, index) => {
    const copy = copies.get(tensor) ?? variable(`input ${index}`, tensor.shape, undefined, tensor.dtype);
    copies.set(tensor, copy);
    return copy;
  });
  const { graph, result: outputs } = trace(() => apply(node.op, inputs, node.attrs));
  return { key: keyOf(node, names), graph, inputs: [...copies.values()], outputs, names };
}
