/** Where tensors lie: which of them share memory, and which memory is used again once nobody reads it. */
import { byteLength, elementBytes, type Node, Scratch, type Tensor } from './tensor.ts';
import { flatLayout } from './trace.ts';

/** Memory for one intermediate: alive from its first to its last launch, and in which of the plan's buffers it lies. */
export interface Allocation {
  readonly name: string;
  bytes: number;
  first: number;
  last: number;
  buffer: number;
  /** Never shares its buffer with another allocation. */
  dedicated: boolean;
}

/** Where a tensor's bytes are: in a leaf's own buffer or in an allocation, from `offset` (bytes) on. */
export interface Placement {
  readonly root: Tensor | Allocation;
  readonly offset: number;
}

/** The memory of tensors: views and flat buffers are resolved once, before anything is launched. */
export class Layout {
  private readonly known = new Map<Tensor | Scratch, Placement>();

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
    const allocation = newAllocation(whole.name, byteLength(whole));
    allocation.dedicated = true; // the padding between members must stay zero
    this.known.set(whole, { root: allocation, offset: 0 });
    const { offsets } = flatLayout(inputs);
    inputs.forEach((tensor, index) => {
      const producer = this.producers.get(tensor);
      if (this.known.has(tensor) || !producer || producer.op.storage) {
        throw new Error(
          `${label}: ${tensor} cannot be written directly into a flat buffer (it is a leaf, a view, or already in one)`,
        );
      }
      this.known.set(tensor, { root: allocation, offset: offsets[index] * elementBytes(whole.dtype) });
    });
  }

  of(tensor: Tensor | Scratch): Placement {
    let placement = this.known.get(tensor);
    if (!placement) {
      placement = this.resolve(tensor);
      this.known.set(tensor, placement);
    }
    return placement;
  }

  private resolve(tensor: Tensor | Scratch): Placement {
    if (tensor instanceof Scratch) return { root: newAllocation(tensor.name, tensor.bytes), offset: 0 };
    if (tensor.flat) {
      const { parent, offset } = tensor.flat;
      return { root: parent, offset: offset * elementBytes(parent.dtype) };
    }
    const producer = this.producers.get(tensor);
    if (!producer) return { root: tensor, offset: 0 };
    if (producer.op.storage === 'view') return this.of(producer.inputs[0]);
    return { root: newAllocation(tensor.name, byteLength(tensor)), offset: 0 };
  }
}

const newAllocation = (name: string, bytes: number): Allocation => ({
  name,
  bytes,
  first: -1,
  last: -1,
  buffer: -1,
  dedicated: false,
});

/**
 * Buffers for allocations, the largest allocation first: it takes the smallest buffer that is big enough and in which nobody lives
 * while it does, or opens one. Large allocations so decide how big buffers are and small ones fill the gaps; first come, first
 * served took 30 % more for a step of ResNet-18. Allocations that live at the same launch never share, so a launch never reads and
 * writes one buffer.
 */
export function assignBuffers(allocations: readonly Allocation[]): number[] {
  const buffers: { bytes: number; allocations: Allocation[] }[] = [];
  for (const allocation of allocations.toSorted((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const fits = buffers.findLast(
      ({ allocations: there }) => !allocation.dedicated && !there.some((other) => overlap(allocation, other)),
    );
    const buffer = fits ?? { bytes: Math.ceil(allocation.bytes / 4) * 4, allocations: [] };
    if (!fits) buffers.push(buffer);
    buffer.allocations.push(allocation);
    allocation.buffer = buffers.indexOf(buffer);
  }
  return buffers.map(({ bytes }) => bytes);
}

/** Whether two allocations live at the same time, or one of them shares with nobody. */
const overlap = (a: Allocation, b: Allocation): boolean => b.dedicated || (a.first <= b.last && b.first <= a.last);
