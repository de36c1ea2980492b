import { UserError } from '../src/errors.ts';
import type { DeviceTraits, Gpu } from '../src/gpu/device.ts';
import { type PlanOptions, plan, type VariantSelector } from '../src/graph/plan.ts';
import type { Tensor } from '../src/graph/tensor.ts';
import type { Graph } from '../src/graph/trace.ts';
import { variantTunerOf } from '../src/graph/variant_tuner.ts';
import type { Item } from './benchmark.ts';

/** What a program of this graph takes: what the options say, else what was measured, else the fixed table. */
export async function chosen(
  gpu: Gpu,
  graph: Graph,
  outputs: readonly Tensor[],
  options: PlanOptions,
): Promise<VariantSelector> {
  const selectVariant = options.selectVariant ?? (await variantTunerOf(gpu)?.selectVariants(graph, outputs, options));
  return (node, names) => selectVariant?.(node, names) ?? names[0];
}

/** Another variant wherever there is one; undefined if no node of the graph has two. */
export function otherThan(
  gpu: Gpu,
  graph: Graph,
  outputs: readonly Tensor[],
  selectVariant: VariantSelector,
): VariantSelector | undefined {
  let differs = false;
  const other: VariantSelector = (node, names) => {
    const taken = selectVariant(node, names);
    const name = names.find((one) => one !== taken);
    differs ||= name !== undefined;
    return name ?? taken;
  };
  plan(graph, outputs, gpu.traits, { selectVariant: other });
  return differs ? other : undefined;
}

/** The variant of this name wherever a kernel has it. */
export const namedVariant =
  (wanted: string): VariantSelector =>
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

/** Plans for the sake of `selectVariant`. What the device refuses is told when it is measured. */
function planned(graph: Graph, outputs: readonly Tensor[], traits: DeviceTraits, selectVariant: VariantSelector): void {
  try {
    plan(graph, outputs, traits, { selectVariant });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
}
