import { UserError } from '../src/errors.ts';
import type { Gpu } from '../src/gpu/device.ts';
import { chooserOf } from '../src/graph/chooser.ts';
import { type Choose, type PlanOptions, plan } from '../src/graph/plan.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import type { Graph } from '../src/graph/trace.ts';

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

/** The variant of this name wherever a kernel has it. `check` throws a UserError if none of the kernels planned so far had. */
export function namedVariant(wanted: string): { choose: Choose; check(): void } {
  const seen = new Set<string>();
  const choose: Choose = (_node, names) => {
    for (const name of names) seen.add(name);
    return names.find((name) => name === wanted);
  };
  const check = () => {
    if (seen.has(wanted)) return;
    const there = [...seen].join(', ') || 'none';
    throw new UserError(`no kernel of these rows has a variant '${wanted}'; there is: ${there}`);
  };
  return { choose, check };
}
