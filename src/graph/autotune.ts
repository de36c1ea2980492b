/**
 * Chooses kernel variants by measurement. Every node for which an op offers several (`Lowering.selectVariant`) is run alone, on
 * made-up values of its own shapes, once with each variant; a variant may only win if its results equal those of one that runs
 * other kernels.
 */
import { UserError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { DeviceLost } from '../gpu/faults.ts';
import { agreement, fill, sampleOf, timeOf } from './autotune_measure.ts';
import { type Trial, winner, witnesses } from './autotune_trials.ts';
import { type PlanOptions, plan, type VariantSelector } from './plan.ts';
import { Program } from './program.ts';
import { State } from './state.ts';
import type { Launch, Node, Tensor } from './tensor.ts';
import { apply, type Graph, trace, variable } from './trace.ts';
import type { VariantTuner } from './variant_tuner.ts';

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

/** For devices on which compiling and running variants takes long: software rasterisers. */
export interface TuningLimits {
  /**
   * Time after which no more is measured, in milliseconds: the largest node of each op always is, and what is left takes the
   * variant that was found for that. Variants that cannot win are not tried then.
   */
  readonly milliseconds?: number;
  /** Floating-point operations of a node below which the fixed table decides: measuring would cost more than it could save. */
  readonly leastFlops?: number;
}

/** A node by itself: its inputs are variables of the same shapes. */
interface Isolated {
  readonly key: string;
  /** Op, types, and what there is to choose from: findings about one shape are likely to hold for others of the kind. */
  readonly kind: string;
  readonly graph: Graph;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly names: readonly string[];
}

/** One device's findings. `choices` holds what programs were made with: a run that goes on pins it, to stay the same run. */
export class Tuner implements VariantTuner {
  readonly choices = new Map<string, string>();

  constructor(
    private readonly gpu: Gpu,
    private readonly cache: TuningCache,
    private readonly events: TuningEvents = {},
    private readonly limits: TuningLimits = {},
  ) {}

  /** Takes these variants without measuring, where they are still offered. */
  pin(choices: Readonly<Record<string, string>>): void {
    for (const [key, variant] of Object.entries(choices)) this.choices.set(key, variant);
  }

  /** The choice for a graph that is to be planned with these options; measures what is not known yet. */
  async selectVariants(graph: Graph, outputs: readonly Tensor[], options: PlanOptions): Promise<VariantSelector> {
    const items = this.itemsOf(graph, outputs, options);
    const unknown = items.filter((item) => !this.recall(item));
    const end = performance.now() + (this.limits.milliseconds ?? Number.POSITIVE_INFINITY);
    for (const [index, item] of unknown.entries()) {
      this.events.onTune?.(index, unknown.length, item.key);
      const tuning = (performance.now() > end && this.followed(item, items)) || (await this.measured(item));
      this.cache.write(item.key, tuning);
      this.choices.set(item.key, tuning.variant);
    }
    if (unknown.length > 0) this.events.onTune?.(unknown.length, unknown.length, 'done');
    if (items.length > 0) this.events.onChoice?.();
    return this.taken;
  }

  /** The choice by what is known already, with nothing measured: of how many ops and shapes there are variants, and known for how many. */
  known(graph: Graph, outputs: readonly Tensor[]): { selectVariant: VariantSelector; known: number; total: number } {
    const items = this.itemsOf(graph, outputs, {});
    const known = items.filter((item) => this.recall(item));
    return { selectVariant: this.taken, known: known.length, total: items.length };
  }

  private readonly taken: VariantSelector = (node, names) => this.choices.get(keyOf(node, names));

  private measured(item: Isolated): Promise<Tuning> {
    return this.measure(item).catch((error: unknown) => {
      throw error instanceof UserError ? whileTuning(item, error) : error;
    });
  }

  /** The variant of the largest node of the same op that is known; undefined where none is. */
  private followed(item: Isolated, items: readonly Isolated[]): Tuning | undefined {
    const leader = items.find((other) => other.kind === item.kind && this.choices.has(other.key));
    const variant = leader && this.choices.get(leader.key);
    return variant === undefined ? undefined : { variant, code: this.codeOf(item), milliseconds: {} };
  }

  /** What there is to choose, each op and shape once; where time is limited, the largest node of each op first. */
  private itemsOf(graph: Graph, outputs: readonly Tensor[], options: PlanOptions): Isolated[] {
    const found = new Map<string, Isolated>();
    plan(graph, outputs, this.gpu.traits, {
      ...options,
      selectVariant: (node, names) => {
        if (names.length > 1) found.set(keyOf(node, names), isolate(node, names));
        return undefined;
      },
    });
    const items = [...found.values()];
    const { milliseconds, leastFlops = 0 } = this.limits;
    if (milliseconds === undefined) return items;
    const flops = new Map(items.map((item) => [item, this.flopsOf(item)]));
    const sorted = items
      .filter((item) => flops.get(item)! >= leastFlops && this.candidates(item).length > 1)
      .sort((a, b) => flops.get(b)! - flops.get(a)!);
    const leads = (item: Isolated) => sorted.find(({ kind }) => kind === item.kind) === item;
    return [...sorted.filter(leads), ...sorted.filter((item) => !leads(item))];
  }

  private flopsOf(item: Isolated): number {
    return this.launchesOf(item, item.names[0])?.reduce((sum, { flops = 0 }) => sum + flops, 0) ?? 0;
  }

  /**
   * Variants that are worth trying. Software rasterisers run barriers as coroutines, at a hundredth of the speed; where time is
   * limited, variants whose threads load everything for themselves are left out beside such as share loads in subgroups.
   */
  private candidates(item: Isolated): readonly string[] {
    if (!this.gpu.traits.software) return item.names;
    const uses = (pattern: RegExp) => (name: string) =>
      this.launchesOf(item, name)?.some(({ kernel }) => pattern.test(kernel.code)) ?? false;
    const hasBarriers = uses(/\bworkgroupBarrier\s*\(/);
    const names = item.names.filter((name) => !hasBarriers(name));
    const sharing = this.limits.milliseconds === undefined ? [] : names.filter(uses(/^enable subgroups;/m));
    return sharing.length > 0 ? sharing : names;
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
      return plan(graph, outputs, this.gpu.traits, { selectVariant: () => name }).launches;
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
    for (const name of this.candidates(item)) {
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
      events.onRejected?.(`${item.key}: the results of variant '${name}' match no other variant's; it is not used`);
    const sorted = right.toSorted((a, b) => a.milliseconds - b.milliseconds);
    return {
      variant: winner(sorted, item.names[0]) ?? trials[0]?.name ?? item.names[0],
      code: this.codeOf(item),
      milliseconds: Object.fromEntries(sorted.map(({ name, milliseconds }) => [name, milliseconds])),
    };
  }

  private async compile({ key, graph, outputs }: Isolated, state: State, name: string): Promise<Program | undefined> {
    try {
      return await Program.compile(graph, state, {}, { keep: outputs, selectVariant: () => name });
    } catch (error) {
      // A device that failed can tell nothing of this variant, nor of any other: nothing must be noted for later runs.
      if (!(error instanceof UserError) || this.gpu.failure) throw error;
      this.gpu.trim();
      this.events.onRejected?.(`${key}: variant '${name}' cannot run here (${error.message})`);
      return undefined;
    }
  }
}

/** The same error, with what was being done: a variant may be what a driver cannot take. */
function whileTuning({ key }: Isolated, error: UserError): UserError {
  const what = `while measuring variants of ${key.split(' ', 1)[0]}; --no-autotune skips this`;
  if (error instanceof DeviceLost) return new DeviceLost(`${error.why}, ${what}`);
  return new UserError(`${error.message} (${what})`, error.exitCode);
}

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
  const kind = [node.op.name, ...node.inputs.map(({ dtype }) => dtype), ...names].join(' ');
  return { key: keyOf(node, names), kind, graph, inputs: [...copies.values()], outputs, names };
}
