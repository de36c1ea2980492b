import type { DeviceTraits } from '../gpu/device.ts';
import { OutOfMemory } from '../gpu/faults.ts';
import { advance } from './advance.ts';
import { fuse } from './fuse.ts';
import { type Allocation, assignBuffers, Layout, type Placement } from './layout.ts';
import { byteLength, type Launch, type Node, Scratch, Tensor, type Variants } from './tensor.ts';
import type { Graph } from './trace.ts';

/** A launch with the node that it belongs to and the bytes that it moves at least (each binding once). */
export interface PlannedLaunch extends Launch {
  readonly node: Node;
  readonly label: string;
  readonly bytes: number;
}

export interface Plan {
  readonly nodes: readonly Node[];
  readonly launches: readonly PlannedLaunch[];
  /** Leaves that are read or updated, flat parents in place of their members. */
  readonly leaves: readonly Tensor[];
  readonly allocations: readonly Allocation[];
  /** Bytes of the buffers that allocations share. */
  readonly bufferSizes: readonly number[];
  readonly outputs: readonly Tensor[];
  placement(tensor: Tensor | Scratch): Placement;
  /** Whether a launch writes or reads the tensor: fused nodes leave some outputs out. */
  isStored(tensor: Tensor): boolean;
}

export interface PlanOptions {
  /** Every allocation in a buffer of its own, so that all intermediates can be read after a run. */
  inspect?: boolean;
  /** Tensors to compute and keep on the device although nothing reads them back. */
  keep?: readonly Tensor[];
  /** Which of a node's variants is taken; the first unless it says otherwise. */
  selectVariant?: VariantSelector;
}

/** The name of the variant to take for a node, out of those that there are, or undefined for the first. */
export type VariantSelector = (node: Node, variants: readonly string[]) => string | undefined;

/**
 * Decides what runs and where everything lies: drops nodes that nothing needs, fuses, turns nodes into launches, and lays
 * intermediates into shared buffers by the launches during which they live.
 */
export function plan(graph: Graph, outputs: readonly Tensor[], device: DeviceTraits, options: PlanOptions = {}): Plan {
  const kept = [...outputs, ...(options.keep ?? [])];
  const nodes = advance(fuse(liveNodes(graph.nodes, kept), kept));
  const layout = new Layout(nodes, options.inspect ? undefined : kept);
  const launches = nodes.flatMap((node) => lower(node, device, layout.isInPlace(node), options.selectVariant));
  const allocations = setLifetimes(launches, kept, layout);
  if (options.inspect) for (const allocation of allocations) allocation.dedicated = true;
  return {
    nodes,
    launches,
    leaves: usedLeaves(launches, kept, layout),
    allocations,
    bufferSizes: assignBuffers(allocations),
    outputs,
    placement: (tensor) => layout.of(tensor),
    isStored(tensor) {
      const { root } = layout.of(tensor);
      return root instanceof Tensor || root.buffer >= 0;
    },
  };
}

/** Nodes that an output or an update in place depends on. */
function liveNodes(nodes: readonly Node[], outputs: readonly Tensor[]): Node[] {
  const wanted = new Set(outputs);
  const kept: Node[] = [];
  for (const node of nodes.toReversed()) {
    const effect = (node.op.mutates?.(node.attrs, node.inputs).length ?? 0) > 0;
    if (!effect && !node.outputs.some((output) => wanted.has(output))) continue;
    kept.push(node);
    for (const tensor of node.inputs) wanted.add(tensor);
  }
  return kept.reverse();
}

const boundBytes = (bound: Tensor | Scratch): number => (bound instanceof Scratch ? bound.bytes : byteLength(bound));

/** OutOfMemory where a launch would bind more than the device lets it: told before anything is allocated. */
function checkLimits({ label, outputs }: Node, { bindings }: Launch, { limits, adapter }: DeviceTraits): void {
  const limit = limits['maxStorageBufferBindingSize'];
  for (const [name, bound] of Object.entries(bindings)) {
    if (boundBytes(bound) <= limit) continue;
    const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
    throw new OutOfMemory(
      `${label} [${outputs[0]?.shape ?? ''}]: '${name}' is ${mebibytes(boundBytes(bound))}, but '${adapter}' binds at most ${mebibytes(limit)}; ` +
        'use a smaller --batch-size, --image-size, head, queue or embedding (of a bank: fewer images), or micro-batches (--micro-batch)',
    );
  }
}

function lower(
  node: Node,
  device: DeviceTraits,
  inPlace: boolean,
  select: VariantSelector = () => undefined,
): PlannedLaunch[] {
  const { inputs, outputs, attrs } = node;
  const selectVariant = (variants: Variants) => {
    const names = Object.keys(variants);
    const name = select(node, names) ?? names[0];
    const launches = variants[name];
    if (!launches) throw new Error(`${node.label}: has no variant '${name}' (it has ${names.join(', ')})`);
    return launches();
  };
  const launches = node.op.launches({ inputs, outputs, attrs, device, selectVariant, inPlace });
  for (const launch of launches) checkLimits(node, launch, device);
  return launches.map((launch) => ({
    ...launch,
    node,
    label: `${node.label} ${launch.kernel.name}${variantOf(launch)} [${node.outputs[0]?.shape ?? node.inputs[0]?.shape ?? ''}]`,
    bytes: Object.values(launch.bindings).reduce((sum, bound) => sum + boundBytes(bound), 0),
  }));
}

const variantOf = ({ constants }: Launch): string =>
  constants ? `{${Object.entries(constants).map(([name, value]) => `${name}=${value}`)}}` : '';

function setLifetimes(launches: readonly PlannedLaunch[], outputs: readonly Tensor[], layout: Layout): Allocation[] {
  const allocations = new Set<Allocation>();
  launches.forEach(({ bindings, shared }, index) => {
    const exchanged = shared?.kind === 'gather' ? [shared.own, shared.all] : [];
    for (const bound of [...Object.values(bindings), ...exchanged]) {
      const { root } = layout.of(bound);
      if (root instanceof Tensor) continue;
      if (!allocations.has(root)) root.first = index;
      root.last = index;
      allocations.add(root);
    }
  });
  for (const output of outputs) {
    const { root } = layout.of(output);
    if (!(root instanceof Tensor)) root.last = launches.length;
  }
  return [...allocations];
}

function usedLeaves(launches: readonly PlannedLaunch[], outputs: readonly Tensor[], layout: Layout): Tensor[] {
  const leaves = new Set<Tensor>();
  for (const bound of [...launches.flatMap(({ bindings }) => Object.values(bindings)), ...outputs]) {
    const { root } = layout.of(bound);
    if (root instanceof Tensor) leaves.add(root);
  }
  return [...leaves];
}
