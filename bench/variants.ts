import { UserError } from '../src/errors.ts';
import type { DeviceTraits, Gpu } from '../src/gpu/device.ts';
import { chooserOf } from '../src/graph/chooser.ts';
import { type Choose, type PlanOptions, plan } from '../src/graph/plan.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import type { Graph } from '../src/graph/trace.ts';
import type { Item } from './contest.ts';

/** What a program of this graph takes: what the options say, else what was measured, else the fixed table. */
export async function chosen(
  gpu: Gpu,
  graph: Graph,
  outputs: readonly Tensor[],
  options: PlanOptions,
): Promise<Choose> {
  const choose = options.choose ?? (await chooserOf(gpu)?.choose(graph, outputs, options));
  return (node, names) => choose?.(node, names) ?? names[0];
}

/** Another variant wherever there is one; undefined if no node of the graph has two. */
export function otherThan(gpu: Gpu, graph: Graph, outputs: readonly Tensor[], choose: Choose): Choose | undefined {
  let differs = false;
  const other: Choose = (node, names) => {
    const taken = choose(node, names);
    const name = names.find((one) => one !== taken);
    differs ||= name !== undefined;
    return name ?? taken;
  };
  plan(graph, outputs, gpu.traits, { choose: other });
  return differs ? other : undefined;
}

/** The variant of this name wherever a kernel has it. */
export const namedVariant =
  (wanted: string): Choose =>
  (_node, names) =>
    names.find((name) => name === wanted);

/** UserError, with the names that there are: on this device no kernel of these items has a variant of this name. */
export function checkVariant({ traits }: Pick<Gpu, 'traits'>, wanted: string, items: readonly Item<unknown>[]): void {
  const seen = new Set<string>();
  for (const item of items) {
    const { graph, outputs } = item.trace();
    planned(graph, outputs, traits, (_node, names) => void names.map((name) => seen.add(name)));
    if (seen.has(wanted)) return;
  }
  const there = [...seen].join(', ') || 'none';
  throw new UserError(`no kernel of these rows has a variant '${wanted}'; available: ${there}`, 2);
}

/** Plans for the sake of `choose`. What the device refuses is told when it is measured. */
function planned(graph: Graph, outputs: readonly Tensor[], traits: DeviceTraits, choose: Choose): void {
  try {
    plan(graph, outputs, traits, { choose });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}
