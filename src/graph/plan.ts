import { UserError } from '../errors.ts';
import type { DeviceTraits } from '../gpu/device.ts';
import { fuse } from './fuse.ts';
import { byteLength, elementBytes, type Launch, type Node, Scratch, Tensor, type Variants } from './tensor.ts';
import { flatLayout, type Graph } from './trace.ts';

/** A launch with the node that it belongs to and the bytes that it moves at least (each binding once). */
export interface PlannedLaunch extends Launch {
  readonly node: Node;
  readonly label: string;
  readonly bytes: number;
}

/** Memory for one intermediate: alive from its first to its last launch, and in which of the plan's slots it lies. */
export interface Block {
  readonly name: string;
  bytes: number;
  first: number;
  last: number;
  slot: number;
  /** Never shares its slot with another block. */
  dedicated: boolean;
}

/** Where a tensor's bytes are: in a leaf's own buffer or in a block, from `offset` (bytes) on. */
export interface Place {
  readonly root: Tensor | Block;
  readonly offset: number;
}

export interface Plan {
  readonly nodes: readonly Node[];
  readonly launches: readonly PlannedLaunch[];
  /** Leaves that are read or updated, flat parents in place of their members. */
  readonly leaves: readonly Tensor[];
  readonly blocks: readonly Block[];
  /** Bytes of the buffers that blocks share. */
  readonly slots: readonly number[];
  readonly outputs: readonly Tensor[];
  place(tensor: Tensor | Scratch): Place;
  /** Whether a launch writes or reads the tensor: fused nodes leave some outputs out. */
  isStored(tensor: Tensor): boolean;
}

export interface PlanOptions {
  /** Every block in a slot of its own, so that all intermediates can be read after a run. */
  inspect?: boolean;
  /** Tensors to compute and keep on the device although nothing reads them back. */
  keep?: readonly Tensor[];
  /** Which of a node's variants is taken; the first unless it says otherwise. */
  choose?: Choose;
}

/** The name of the variant to take for a node, out of those that there are, or undefined for the first. */
export type Choose = (node: Node, variants: readonly string[]) => string | undefined;

/**
 * Decides what runs and where everything lies: drops nodes that nothing needs, fuses, turns nodes into launches, and lays
 * intermediates into shared slots by the launches during which they live.
 */
export function plan(graph: Graph, outputs: readonly Tensor[], device: DeviceTraits, options: PlanOptions = {}): Plan {
  const kept = [...outputs, ...(options.keep ?? [])];
  const nodes = fuse(liveNodes(graph.nodes, kept), kept);
  const places = new Places(nodes, options.inspect ? undefined : kept);
  const launches = nodes.flatMap((node) => lower(node, device, places.isInPlace(node), options.choose));
  const blocks = setLifetimes(launches, kept, places);
  if (options.inspect) for (const block of blocks) block.dedicated = true;
  return {
    nodes,
    launches,
    leaves: usedLeaves(launches, kept, places),
    blocks,
    slots: assignSlots(blocks),
    outputs,
    place: (tensor) => places.of(tensor),
    isStored(tensor) {
      const { root } = places.of(tensor);
      return root instanceof Tensor || root.slot >= 0;
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

/** The memory of tensors: views and flat buffers are resolved once, before anything is launched. */
class Places {
  private readonly known = new Map<Tensor | Scratch, Place>();

  private readonly producers = new Map<Tensor, Node>();

  private readonly inPlace = new Set<Node>();

  /** `kept`: tensors that outlive their readers; undefined if all do. */
  constructor(nodes: readonly Node[], kept: readonly Tensor[] | undefined) {
    for (const node of nodes) for (const tensor of node.outputs) this.producers.set(tensor, node);
    for (const node of nodes) if (node.op.storage === 'flatten') this.flatten(node);
    if (kept) this.placeInPlace(nodes, kept);
  }

  isInPlace(node: Node): boolean {
    return this.inPlace.has(node);
  }

  /** Lets outputs take the memory of inputs that another node has made for this one alone. */
  private placeInPlace(nodes: readonly Node[], kept: readonly Tensor[]): void {
    const uses = new Map<Tensor, number>();
    for (const tensor of [...nodes.flatMap(({ inputs }) => inputs), ...kept])
      uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
    for (const node of nodes) {
      const { inPlace } = node.op;
      if (!inPlace) continue;
      const [input, output] = [node.inputs[inPlace.input], node.outputs[inPlace.output]];
      const made = this.producers.get(input);
      const alone = uses.get(input) === 1 && made && !made.op.storage && !this.known.has(output);
      if (!alone || byteLength(input) !== byteLength(output)) continue;
      this.known.set(output, this.of(input));
      this.inPlace.add(node);
    }
  }

  private flatten({ inputs, outputs: [whole], label }: Node): void {
    const block = newBlock(whole.name, byteLength(whole));
    block.dedicated = true; // the padding between members must stay zero
    this.known.set(whole, { root: block, offset: 0 });
    const { offsets } = flatLayout(inputs);
    inputs.forEach((tensor, index) => {
      const producer = this.producers.get(tensor);
      if (this.known.has(tensor) || !producer || producer.op.storage) {
        throw new Error(
          `${label}: ${tensor} cannot be written straight into a flat buffer (it is a leaf, a view, or there already)`,
        );
      }
      this.known.set(tensor, { root: block, offset: offsets[index] * elementBytes(whole.dtype) });
    });
  }

  of(tensor: Tensor | Scratch): Place {
    let place = this.known.get(tensor);
    if (!place) {
      place = this.resolve(tensor);
      this.known.set(tensor, place);
    }
    return place;
  }

  private resolve(tensor: Tensor | Scratch): Place {
    if (tensor instanceof Scratch) return { root: newBlock(tensor.name, tensor.bytes), offset: 0 };
    if (tensor.flat) {
      const { parent, offset } = tensor.flat;
      return { root: parent, offset: offset * elementBytes(parent.dtype) };
    }
    const producer = this.producers.get(tensor);
    if (!producer) return { root: tensor, offset: 0 };
    if (producer.op.storage === 'view') return this.of(producer.inputs[0]);
    return { root: newBlock(tensor.name, byteLength(tensor)), offset: 0 };
  }
}

const newBlock = (name: string, bytes: number): Block => ({
  name,
  bytes,
  first: -1,
  last: -1,
  slot: -1,
  dedicated: false,
});

const boundBytes = (bound: Tensor | Scratch): number => (bound instanceof Scratch ? bound.bytes : byteLength(bound));

/** UserError where a launch would bind more than the device lets it: told before anything is allocated. */
function checkLimits({ label, outputs }: Node, { bindings }: Launch, { limits, adapter }: DeviceTraits): void {
  const limit = limits['maxStorageBufferBindingSize'];
  for (const [name, bound] of Object.entries(bindings)) {
    if (boundBytes(bound) <= limit) continue;
    const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
    throw new UserError(
      `${label} [${outputs[0]?.shape ?? ''}]: '${name}' has ${mebibytes(boundBytes(bound))}, '${adapter}' binds ${mebibytes(limit)} at most; ` +
        'use a smaller --batch-size, --image-size or --head-width, or train in pieces with --micro-batch',
    );
  }
}

function lower(node: Node, device: DeviceTraits, inPlace: boolean, choose: Choose = () => undefined): PlannedLaunch[] {
  const { inputs, outputs, attrs } = node;
  const pick = (variants: Variants) => {
    const names = Object.keys(variants);
    const name = choose(node, names) ?? names[0];
    const launches = variants[name];
    if (!launches) throw new Error(`${node.label}: no variant is called '${name}' (there are ${names.join(', ')})`);
    return launches();
  };
  const launches = node.op.launches({ inputs, outputs, attrs, device, pick, inPlace });
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

function setLifetimes(launches: readonly PlannedLaunch[], outputs: readonly Tensor[], places: Places): Block[] {
  const blocks = new Set<Block>();
  launches.forEach(({ bindings }, index) => {
    for (const bound of Object.values(bindings)) {
      const { root } = places.of(bound);
      if (root instanceof Tensor) continue;
      if (!blocks.has(root)) root.first = index;
      root.last = index;
      blocks.add(root);
    }
  });
  for (const output of outputs) {
    const { root } = places.of(output);
    if (!(root instanceof Tensor)) root.last = launches.length;
  }
  return [...blocks];
}

/**
 * Slots for blocks, the largest block first: it takes the smallest slot that is big enough and in which nobody lives while it does,
 * or opens one. Large blocks so decide how big slots are and small ones fill the gaps; first come, first served took 30 % more for
 * a step of ResNet-18. Blocks that live at the same launch never share, so a launch never reads and writes one buffer.
 */
function assignSlots(blocks: readonly Block[]): number[] {
  const slots: { bytes: number; blocks: Block[] }[] = [];
  for (const block of blocks.toSorted((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const fits = slots.findLast(
      ({ blocks: there }) => !block.dedicated && !there.some((other) => overlap(block, other)),
    );
    const slot = fits ?? { bytes: Math.ceil(block.bytes / 4) * 4, blocks: [] };
    if (!fits) slots.push(slot);
    slot.blocks.push(block);
    block.slot = slots.indexOf(slot);
  }
  return slots.map(({ bytes }) => bytes);
}

/** Whether two blocks live at the same time, or one of them shares with nobody. */
const overlap = (a: Block, b: Block): boolean => b.dedicated || (a.first <= b.last && b.first <= a.last);

function usedLeaves(launches: readonly PlannedLaunch[], outputs: readonly Tensor[], places: Places): Tensor[] {
  const leaves = new Set<Tensor>();
  for (const bound of [...launches.flatMap(({ bindings }) => Object.values(bindings)), ...outputs]) {
    const { root } = places.of(bound);
    if (root instanceof Tensor) leaves.add(root);
  }
  return [...leaves];
}
