import {
  type AttributeProto,
  attributeTypes,
  type Dimension,
  type ElementType,
  elementTypes,
  encodeModel,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './schema.ts';

/** Which operators there are, and what they mean: 17 is the first with layer norm, read by onnxruntime 1.12 and later. */
const operatorSet = 17;
/** The version of the file format that came with it. */
const irVersion = 8;

/** What a node is told: a whole number is an `int`, `{ float }` a float, a text a string. */
export type Attributes = Readonly<Record<string, number | readonly number[] | string | { readonly float: number }>>;

/** An input or output of a model: sizes, and names of those that are told when it runs. */
export interface Port {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

/** A graph that grows node by node. Every value has a name, which methods take and return. */
export class GraphBuilder {
  private readonly nodes: NodeProto[] = [];
  private readonly initializers: TensorProto[] = [];
  private readonly names = new Set<string>();
  /** Constants that are there already, by type and values. */
  private readonly shared = new Map<string, string>();
  private prefix = '';

  /** Nodes that `build` adds are named after a part of the network, `layer1.0.conv1`. */
  within<T>(prefix: string, build: () => T): T {
    const outer = this.prefix;
    this.prefix = prefix;
    try {
      return build();
    } finally {
      this.prefix = outer;
    }
  }

  /** Adds a node with one output. @returns the output's name */
  node(opType: string, input: readonly string[], attributes: Attributes = {}): string {
    const name = this.unique(this.prefix ? `${this.prefix}/${opType}` : opType);
    const attribute = Object.entries(attributes).map(([key, value]) => attributeOf(key, value));
    this.nodes.push({ name, opType, input, output: [name], attribute });
    return name;
  }

  /** Gives a value a name that a user sees. */
  output(value: string, name: string): void {
    this.names.add(name);
    this.nodes.push({ name: `${name}/Identity`, opType: 'Identity', input: [value], output: [name], attribute: [] });
  }

  /** Keeps a name for an input of the model. */
  input(name: string): string {
    return this.unique(name);
  }

  /** Weights of the model. @param dims row-major */
  weights(name: string, dims: readonly number[], data: Float32Array): string {
    const own = this.unique(name);
    this.add(own, 'float', dims, data);
    return own;
  }

  /** A constant of f32, of one axis unless its shape is given; equal ones are one. */
  floats(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.constant('float', Float32Array.from(values), dims);
  }

  /** A constant of i64, of one axis unless its shape is given (`[]`: a scalar): what shapes, axes and ranges are told by. */
  integers(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.constant('int64', BigInt64Array.from(values.map(BigInt)), dims);
  }

  /** Bytes of all weights and constants, nearly those of the file. */
  get bytes(): number {
    return this.initializers.reduce((sum, { rawData }) => sum + rawData.byteLength, 0);
  }

  /** The bytes of a model of this graph. @param metadata what is told of it (metadata_props) */
  encode(
    name: string,
    inputs: readonly Port[],
    outputs: readonly Port[],
    metadata: Readonly<Record<string, string>> = {},
  ): Uint8Array {
    return encodeModel({
      ...{ irVersion, producerName: 'simclr-webgpu', opsetImport: [{ domain: '', version: operatorSet }] },
      graph: {
        ...{ name, node: this.nodes, initializer: this.initializers },
        ...{ input: inputs.map(valueInfo), output: outputs.map(valueInfo) },
      },
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
  }

  private constant(type: 'float' | 'int64', data: Float32Array | BigInt64Array, dims: readonly number[]): string {
    const key = `${type} [${dims}] ${data.join()}`;
    const known = this.shared.get(key);
    if (known !== undefined) return known;
    const name = this.unique('constant');
    this.add(name, type, dims, data);
    this.shared.set(key, name);
    return name;
  }

  private add(name: string, type: ElementType, dims: readonly number[], data: Float32Array | BigInt64Array): void {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.push({ name, dims, dataType: elementTypes[type], rawData });
  }

  private unique(wanted: string): string {
    let name = wanted;
    for (let i = 1; this.names.has(name); i++) name = `${wanted}_${i}`;
    this.names.add(name);
    return name;
  }
}

function attributeOf(name: string, value: Attributes[string]): AttributeProto {
  if (typeof value === 'number') return { name, type: attributeTypes.int, i: value };
  if (typeof value === 'string') return { name, type: attributeTypes.string, s: Buffer.from(value) };
  if ('float' in value) return { name, type: attributeTypes.float, f: value.float };
  return { name, type: attributeTypes.ints, ints: value };
}

function valueInfo({ name, type, shape }: Port): ValueInfoProto {
  const dim = shape.map((size): Dimension => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: elementTypes[type], shape: { dim } } } };
}
