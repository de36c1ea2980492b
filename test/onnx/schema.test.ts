/** The bytes of a model, read by a decoder of its own that knows the format only. */
import { expect, it } from 'vitest';
import { GraphBuilder, type Port } from '../../src/onnx/builder.ts';

const port = (name: string, ...shape: readonly (number | string)[]): Port => ({ name, type: 'float', shape });

/** The fields of a protobuf message: numbers, or bytes. */
function* fieldsOf(bytes: Buffer): Generator<[number, number | Buffer]> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    // Kinds: 0 a varint, 5 four bytes, 2 a length and so many bytes.
    const size = key % 8 === 5 ? 4 : varint();
    yield [key >> 3, key % 8 === 0 ? size : bytes.subarray(at, (at += size))];
  }
}

const field = (bytes: Buffer, number: number) => [...fieldsOf(bytes)].filter(([n]) => n === number).map(([, v]) => v);

it('an ONNX model has its node, its weights and its shapes in the fields of the format', () => {
  const data = Float32Array.of(1, -2);
  const graphOf = new GraphBuilder();
  const values = [graphOf.input('a'), graphOf.weights('b', [1, 2], data)];
  graphOf.output(graphOf.node('Gemm', values, { transB: 1, pads: [0, 300], alpha: { float: 0.5 } }), 'c');
  const ports = [port('a', 'batch', 2), port('c', 'batch', 1)] as const;
  const model = Buffer.from(graphOf.encode('one', [ports[0]], [ports[1]], { method: 'simclr' }));
  const [graph] = field(model, 7) as Buffer[];
  const [node] = field(graph, 1) as Buffer[];
  expect(field(node, 4).map(String)).toEqual(['Gemm']);
  expect(field(node, 1).map(String)).toEqual(['a', 'b']);
  const [transB, pads, alpha] = field(node, 5) as Buffer[];
  expect([field(transB, 1).map(String), field(transB, 3), field(transB, 20)]).toEqual([['transB'], [1], [2]]);
  expect([field(pads, 8), field(pads, 20)]).toEqual([[0, 300], [7]]);
  expect([(field(alpha, 2) as Buffer[])[0].readFloatLE(), field(alpha, 20)]).toEqual([0.5, [1]]);
  const [weights] = field(graph, 5) as Buffer[];
  expect([field(weights, 1), field(weights, 2), field(weights, 8).map(String)]).toEqual([[1, 2], [1], ['b']]);
  expect(field(weights, 9)).toEqual([Buffer.from(data.buffer)]);
  expect((field(graph, 11) as Buffer[]).map((value) => String(field(value, 1)[0]))).toEqual(['a']);
  const [input] = field(graph, 11) as Buffer[];
  const [tensor] = field((field(input, 2) as Buffer[])[0], 1) as Buffer[];
  expect(field(tensor, 1)).toEqual([1]);
  const sizes = field((field(tensor, 2) as Buffer[])[0], 1) as Buffer[];
  expect(sizes.map((size) => [field(size, 1), field(size, 2).map(String)])).toEqual([
    [[], ['batch']],
    [[2], []],
  ]);
  expect([field(model, 1), field((field(model, 8) as Buffer[])[0], 2)]).toEqual([[8], [17]]);
  const [entry] = field(model, 14) as Buffer[];
  expect([field(entry, 1), field(entry, 2)].flat().map(String)).toEqual(['method', 'simclr']);
});
