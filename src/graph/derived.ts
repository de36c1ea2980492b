/** Keeps derived variables (see `derivedVariable`) as new as what they are computed from, whatever program or write changed that. */
import type { Plan } from './plan.ts';
import type { State } from './state.ts';
import type { Node, Tensor } from './tensor.ts';

/** A program that sets a derived variable. */
interface Refresh {
  readonly variable: Tensor;
  readonly program: { run(): unknown; destroy(): void };
}

/** What a program has to do about derived variables around its runs. */
export class Derived {
  private constructor(
    private readonly state: State,
    private readonly refreshes: readonly Refresh[],
    private readonly outdated: readonly Tensor[],
  ) {}

  /** @param compile makes the program of a derived variable's own nodes */
  static async of(
    nodes: readonly Node[],
    plan: Plan,
    state: State,
    compile: (graph: { nodes: Node[] }) => Promise<Refresh['program']>,
  ): Promise<Derived> {
    const refreshes: Refresh[] = [];
    for (const variable of plan.leaves) {
      const { derived } = variable;
      if (derived && derived.nodes !== nodes) refreshes.push({ variable, program: await compile(derived) });
    }
    const updated = new Set(plan.nodes.flatMap(updatedRoots));
    const outdated = [...updated].filter(({ copies }) => copies.some((copy) => !updated.has(copy)));
    return new Derived(state, refreshes, outdated);
  }

  /** Before a run: computes what it reads and what has changed since. */
  refresh(): void {
    for (const { variable, program } of this.refreshes) if (this.state.takeStale(variable)) program.run();
  }

  /** After a run: what it changed without what is computed from that. */
  note(): void {
    for (const root of this.outdated) this.state.changed(root);
  }

  destroy(): void {
    for (const { program } of this.refreshes) program.destroy();
  }
}

/** The variables (flat, or of their own) that a node changes. */
const updatedRoots = ({ op, attrs, inputs }: Node): Tensor[] =>
  (op.mutates?.(attrs, inputs) ?? []).map((index) => inputs[index].flat?.parent ?? inputs[index]);
