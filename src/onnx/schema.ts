/**
 * ONNX's file format: a protobuf message, of which this is the part that inference models use. Names and numbers of fields are those of
 * the specification, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */
import protobuf from 'protobufjs/light.js';

/** Types of elements (TensorProto.DataType). */
export const elementTypes = { float: 1, uint8: 2, int64: 7, bool: 9 } as const;
export type ElementType = keyof typeof elementTypes;

/** Kinds of attributes (AttributeProto.AttributeType). */
export const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;

export interface TensorProto {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** Elements one after another, little-endian. */
  readonly rawData: Uint8Array;
}

export interface AttributeProto {
  readonly name: string;
  readonly type: number;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly ints?: readonly number[];
}

export interface NodeProto {
  readonly name: string;
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly AttributeProto[];
}

/** A size, or the name of one that is told only when the model runs. */
export type Dimension = { readonly dimValue: number } | { readonly dimParam: string };

export interface ValueInfoProto {
  readonly name: string;
  readonly type: { readonly tensorType: { readonly elemType: number; readonly shape: { dim: readonly Dimension[] } } };
}

export interface GraphProto {
  readonly name: string;
  readonly node: readonly NodeProto[];
  readonly initializer: readonly TensorProto[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
}

export interface ModelProto {
  readonly irVersion: number;
  readonly producerName: string;
  readonly graph: GraphProto;
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[];
  readonly metadataProps: readonly { readonly key: string; readonly value: string }[];
}

const field = (id: number, type: string) => ({ id, type });
const repeated = (id: number, type: string) => ({ id, type, rule: 'repeated' });
/** As the specification, which is of protobuf 2, has numbers: each with its key. */
const integers = (id: number) => ({ ...repeated(id, 'int64'), options: { packed: false } });

/** In the order of their numbers: readers need not, but may, rely on it. */
const messages = {
  ModelProto: {
    irVersion: field(1, 'int64'),
    producerName: field(2, 'string'),
    graph: field(7, 'GraphProto'),
    opsetImport: repeated(8, 'OperatorSetIdProto'),
    metadataProps: repeated(14, 'StringStringEntryProto'),
  },
  OperatorSetIdProto: { domain: field(1, 'string'), version: field(2, 'int64') },
  StringStringEntryProto: { key: field(1, 'string'), value: field(2, 'string') },
  GraphProto: {
    node: repeated(1, 'NodeProto'),
    name: field(2, 'string'),
    initializer: repeated(5, 'TensorProto'),
    input: repeated(11, 'ValueInfoProto'),
    output: repeated(12, 'ValueInfoProto'),
  },
  NodeProto: {
    input: repeated(1, 'string'),
    output: repeated(2, 'string'),
    name: field(3, 'string'),
    opType: field(4, 'string'),
    attribute: repeated(5, 'AttributeProto'),
  },
  AttributeProto: {
    name: field(1, 'string'),
    f: field(2, 'float'),
    i: field(3, 'int64'),
    s: field(4, 'bytes'),
    ints: integers(8),
    type: field(20, 'int32'),
  },
  TensorProto: {
    dims: integers(1),
    dataType: field(2, 'int32'),
    name: field(8, 'string'),
    rawData: field(9, 'bytes'),
  },
  ValueInfoProto: { name: field(1, 'string'), type: field(2, 'TypeProto') },
  TypeProto: { tensorType: field(1, 'TensorTypeProto') },
  TensorTypeProto: { elemType: field(1, 'int32'), shape: field(2, 'TensorShapeProto') },
  TensorShapeProto: { dim: repeated(1, 'DimensionProto') },
  DimensionProto: { dimValue: field(1, 'int64'), dimParam: field(2, 'string') },
};

const root = protobuf.Root.fromJSON({
  nested: Object.fromEntries(Object.entries(messages).map(([name, fields]) => [name, { fields }])),
});
const modelType = root.lookupType('ModelProto');

/** The bytes of a `.onnx` file. */
export const encodeModel = (model: ModelProto): Uint8Array => modelType.encode(model).finish();

/** A model from the bytes of a file, without what this part of the format leaves out. Error: the bytes are none. */
export const decodeModel = (bytes: Uint8Array): ModelProto =>
  modelType.toObject(modelType.decode(bytes), { longs: Number, defaults: true }) as ModelProto;
