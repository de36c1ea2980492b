import type { DeviceTraits } from '../gpu/device.ts';
import type { Constants, Kernel, Params } from '../gpu/kernel.ts';

export type DType = 'f32' | 'f16' | 'u32' | 'i32';
/** What a tensor's values look like on the CPU; those of f16 are Float32Arrays there. */
export type Data = Float32Array | Uint32Array | Int32Array;
export type Shape = readonly number[];

export interface Spec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Bytes of an element of f32, u32 and i32 (u8 images travel packed in u32). */
export const bytesPerElement = 4;
/** Bytes of an element of any dtype. */
export const elementBytes = (dtype: DType): number => (dtype === 'f16' ? 2 : bytesPerElement);
/**
 * Ranges of a flat buffer start at multiples of this many elements: WebGPU binds storage at 256-byte offsets, and a kernel over a
 * flat buffer may take so many elements a workgroup without asking where the end is.
 */
export const flatAlignment = 512;

export const elements = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);
/** Bytes that a tensor takes in a buffer: whole words. */
export const byteLength = ({ shape, dtype }: Spec): number =>
  Math.ceil((elements(shape) * elementBytes(dtype)) / bytesPerElement) * bytesPerElement;

/**
 * Where a tensor that no op makes comes from: `variable` keeps its value from run to run (weights, moments, running statistics),
 * `input` is written before each run, `constant` once.
 */
export type Leaf =
  | { readonly kind: 'variable'; readonly name: string; readonly init: (() => Data) | undefined }
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'constant'; readonly name: string; readonly data: Data };

/** A value of the graph: a shape and a type, no memory. */
export class Tensor implements Spec {
  /** Set for a variable that is a range of another, flat one. */
  flat: { readonly parent: Tensor; readonly offset: number } | undefined;
  /** Set for a flat variable: the variables that lie in it. */
  members: readonly Tensor[] = [];
  /** Set for a variable that is always computed from another: the nodes that do it. See `derivedVariable`. */
  derived: { readonly nodes: Node[] } | undefined;
  /** Variables that are computed from this one. */
  copies: readonly Tensor[] = [];

  constructor(
    readonly shape: Shape,
    readonly dtype: DType,
    readonly origin: Leaf | { readonly kind: 'node'; readonly node: Node; readonly index: number },
  ) {}

  get size(): number {
    return elements(this.shape);
  }

  /** The node that makes it; undefined for a leaf. */
  get node(): Node | undefined {
    return this.origin.kind === 'node' ? this.origin.node : undefined;
  }

  /** For messages: a leaf's name, or the node and which of its outputs. */
  get name(): string {
    if (this.origin.kind !== 'node') return this.origin.name;
    const { node, index } = this.origin;
    return node.outputs.length > 1 ? `${node.label}#${index}` : node.label;
  }

  /** The range of `other`, a flat variable of the same layout and any dtype, that this member's own range corresponds to. */
  rangeOf(other: Tensor, name: string): Tensor {
    if (!this.flat || other.size !== this.flat.parent.size)
      throw new Error(`${other} does not have the layout of the parent of ${this}`);
    const range = new Tensor(this.shape, other.dtype, { kind: 'variable', name, init: undefined });
    range.flat = { parent: other, offset: this.flat.offset };
    return range;
  }

  /** The same memory of a variable under another name, such as a file's. */
  named(name: string): Tensor {
    const alias = new Tensor(this.shape, this.dtype, { kind: 'variable', name, init: undefined });
    alias.flat = this.flat ?? { parent: this, offset: 0 };
    return alias;
  }

  toString(): string {
    return `${this.name} ${this.dtype}[${this.shape.join(', ')}]`;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: nodes of all ops stand in one list; each op knows the type of its own attributes
type AnyAttributes = any;

/** One application of an op. */
export interface Node<A = AnyAttributes> {
  readonly op: Op<A>;
  readonly inputs: readonly Tensor[];
  readonly attrs: A;
  readonly outputs: readonly Tensor[];
  /** `layer1.0.conv1/conv2d`: the module that traced it, and the op. */
  readonly label: string;
}

/** Memory that one node uses between its own launches. */
export class Scratch {
  constructor(
    readonly name: string,
    readonly bytes: number,
  ) {}
}

/** What processes that share a run do behind a launch: see `Program.runShared`. */
export type Shared = SharedRows | SharedSum;

/** `own`, f32, of all processes comes one behind another into `all`; what follows waits for it. */
export interface SharedRows {
  readonly kind: 'gather';
  readonly own: Scratch;
  readonly all: Scratch | Tensor;
  /** What it is, for those who count exchanges. */
  readonly label: string;
}

/** A range of an f32 variable becomes the sum over all processes by the end of the run. Nothing behind it in the run may use the range. */
export interface SharedSum {
  readonly kind: 'sum';
  readonly values: Tensor;
  /** In elements. */
  readonly first: number;
  readonly length: number;
}

/** One dispatch. Bindings and parameters go by the names that the kernel gives them. */
export interface Launch {
  readonly kernel: Kernel;
  readonly constants?: Constants;
  readonly bindings: Readonly<Record<string, Tensor | Scratch>>;
  readonly params: Params;
  readonly workgroups: readonly [number, number, number];
  /** Floating-point operations, a multiply-add counting two. */
  readonly flops?: number;
  readonly shared?: Shared;
}

/** Ways to compute a node on one device, by name. The first is what the fixed table says; all give the same to rounding. */
export type Variants = Readonly<Record<string, () => readonly Launch[]>>;

/** What an op needs to know to turn a node into launches. */
export interface Lowering<A> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attrs: A;
  readonly device: DeviceTraits;
  /** Launches of one of several ways, once a node: the first, or the one that was found to be the fastest for this node. */
  selectVariant(variants: Variants): readonly Launch[];
  /** The output of `Op.inPlace` lies where its input lay: bind the output only. */
  readonly inPlace: boolean;
}

/** A node to stand for the proposing one and those that it absorbs; its output i makes the tensor `replaces[i]`, if that is set. */
export interface Fusion {
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly attrs: unknown;
  readonly absorbs: readonly Node[];
  readonly replaces: readonly (Tensor | undefined)[];
}

/** What an op may look at when it proposes a fusion. */
export interface Neighbours {
  /** The node that makes a tensor; undefined for a leaf. */
  producer(tensor: Tensor): Node | undefined;
  /** How many nodes (and program outputs) read a tensor. */
  uses(tensor: Tensor): number;
}

/** A kind of node: its shape rule, its launches and its gradient rule, in `src/ops/<name>.ts`. */
export interface Op<A = AnyAttributes> {
  readonly name: string;
  /** Shapes and types of the outputs; throws `ShapeError` for inputs that do not fit. */
  infer(inputs: readonly Tensor[], attrs: A): readonly Spec[];
  /** What the device is to run, in this order, for a node with these inputs and outputs. */
  launches(lowering: Lowering<A>): readonly Launch[];
  /** Gradients with respect to the inputs, undefined where there is none; `dy` has undefined for outputs that nothing used. */
  gradient?(node: Node<A>, dy: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[];
  /** Inputs (variables) that it updates in place. Such a node is kept although nothing may read its outputs. */
  mutates?(attrs: A, inputs: readonly Tensor[]): readonly number[];
  /** What it waits for, where it need not wait for all of its inputs: it then runs as soon as these are there. */
  readyBehind?(attrs: A, inputs: readonly Tensor[]): readonly Tensor[];
  /** A cheaper node for this one and some of its producers. */
  fuse?(node: Node<A>, around: Neighbours): Fusion | undefined;
  /** The same for a node, `last`, that reads this one, or reads what reads it: whoever uses that op alone need not know of this one. */
  fuseBehind?(node: Node<A>, last: Node, around: Neighbours): Fusion | undefined;
  /**
   * Where outputs share the memory of inputs. `view`: output 0 is input 0 under another shape. `flatten`: output 0 is one flat
   * buffer in which the inputs are laid one after another at `flatAlignment`.
   */
  readonly storage?: 'view' | 'flatten';
  /** An output that may take the memory of an input of its size, if nothing else reads that: see `Lowering.inPlace`. */
  readonly inPlace?: { readonly output: number; readonly input: number };
}

/** Inputs of an op do not fit together. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** Throws `[op] rule, got …` unless the rule holds. */
export function check(holds: boolean, op: string, rule: string, ...tensors: readonly Tensor[]): void {
  if (holds) return;
  throw new ShapeError(`[${op}] ${rule}; got ${tensors.map(String).join(' and ') || 'other'}`);
}
