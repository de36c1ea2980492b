/**
 * Models of one node in ONNX's format, a protobuf message: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto has the numbers
 * of the fields. A message is its fields one after another; a field is a varint `number << 3 | kind`, then a varint (kind 0), or a
 * length and so many bytes (kind 2).
 */

export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Integers and lists of integers by name. */
export type Attributes = Readonly<Record<string, number | readonly number[]>>;

export interface NodeSpec {
  readonly type: string;
  readonly attributes: Attributes;
  /** In the order of the operator's parameters; those with data are part of the model. */
  readonly inputs: readonly (Value & { readonly data?: Float32Array })[];
  readonly output: Value;
}

const float32 = 1;
const irVersion = 8;
const opsetVersion = 17;
/** AttributeProto.AttributeType. */
const attributeTypes = { integer: 2, integers: 7 } as const;

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

const integer = (field: number, value: number): Buffer => Buffer.from([...varint(field * 8), ...varint(value)]);

function bytes(field: number, content: Uint8Array | string): Buffer {
  const data = Buffer.from(content as string);
  return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(data.length)]), data]);
}

const message = (field: number, ...fields: readonly Buffer[]): Buffer => bytes(field, Buffer.concat(fields));

/** ValueInfoProto: a float32 tensor of a fixed shape. */
function valueInfo(field: number, { name, shape }: Value): Buffer {
  const dimensions = shape.map((length) => message(1, integer(1, length)));
  return message(field, bytes(1, name), message(2, message(1, integer(1, float32), message(2, ...dimensions))));
}

/** TensorProto. */
const initializer = (field: number, { name, shape }: Value, { buffer, byteOffset, byteLength }: Float32Array): Buffer =>
  message(
    field,
    ...shape.map((length) => integer(1, length)),
    integer(2, float32),
    bytes(8, name),
    bytes(9, new Uint8Array(buffer, byteOffset, byteLength)),
  );

/** AttributeProto. */
const attribute = (field: number, name: string, value: number | readonly number[]): Buffer =>
  typeof value === 'number'
    ? message(field, bytes(1, name), integer(3, value), integer(20, attributeTypes.integer))
    : message(field, bytes(1, name), ...value.map((item) => integer(8, item)), integer(20, attributeTypes.integers));

/** A model (ModelProto) of one node. Its inputs are those without data. */
export function encodeModel({ type, attributes, inputs, output }: NodeSpec): Buffer {
  const node = message(
    1,
    ...inputs.map(({ name }) => bytes(1, name)),
    bytes(2, output.name),
    bytes(4, type),
    ...Object.entries(attributes).map(([name, value]) => attribute(5, name, value)),
  );
  const graph = [
    node,
    bytes(2, type),
    ...inputs.flatMap(({ data, ...value }) => (data ? [initializer(5, value, data)] : [])),
    ...inputs.filter(({ data }) => !data).map((value) => valueInfo(11, value)),
    valueInfo(12, output),
  ];
  return Buffer.concat([
    integer(1, irVersion),
    message(7, ...graph),
    message(8, bytes(1, ''), integer(2, opsetVersion)),
  ]);
}
