/** What the checks of golden files share: reading a file, running ops on its tensors, comparing, and the change of layout. */
import { expect } from 'vitest';
import type { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { elements, type Shape, type Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { readSafetensors, toFloat32 } from '../../src/io/safetensors.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { relativeError } from '../ops/harness.ts';
import { interpret } from '../reference/interpreter.ts';

/**
 * Checks a file on a device; `test/golden/<op>.ts` has one as its default export, found by the `op` in the file's metadata. What
 * it may return is the reason why it did not check anything.
 */
export type GoldenCheck = (file: GoldenFile, device: Device) => Promise<string | undefined>;

/** What ops are run on: a device, or the float64 reference, so that the specification is held to PyTorch as the kernels are. */
export type Device = Gpu | 'reference';

export interface Values {
  readonly shape: Shape;
  readonly data: Float32Array;
}

/** A golden file. Every tensor in it has to be asked for, so that none is left unchecked. */
export class GoldenFile {
  readonly metadata: Readonly<Record<string, string>>;
  private readonly tensors: ReadonlyMap<string, Values>;
  private readonly unread: Set<string>;

  constructor(path: string) {
    const { metadata, tensors } = readSafetensors(path);
    this.metadata = metadata;
    this.tensors = new Map(
      [...tensors].map(([name, tensor]) => [name, { shape: tensor.shape, data: toFloat32(tensor) }]),
    );
    this.unread = new Set(tensors.keys());
  }

  get op(): string {
    return this.metadata['op'] ?? 'nothing';
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  get(name: string): Values {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`the file has no tensor '${name}', only ${[...this.tensors.keys()].join(', ')}`);
    this.unread.delete(name);
    return tensor;
  }

  /** Names of tensors, in the order of the file. */
  get names(): string[] {
    return [...this.tensors.keys()];
  }

  /** A number of the metadata; a list counts if its elements are equal, as our ops know square windows only. */
  number(name: string, otherwise?: number): number {
    const text = this.metadata[name];
    if (text === undefined && otherwise !== undefined) return otherwise;
    const values = [text === undefined ? Number.NaN : JSON.parse(text)].flat().map(Number);
    if (!values.every((value) => Number.isFinite(value) && value === values[0]))
      throw new Error(`metadata '${name}' is '${text}', expected one number`);
    return values[0];
  }

  json<T>(name: string): T {
    return JSON.parse(this.metadata[name] ?? 'null') as T;
  }

  expectAllRead(): void {
    expect([...this.unread], 'tensors of the file that nothing was compared with').toEqual([]);
  }
}

/** From [N, C, …] to [N, …, C], as many axes as there are. */
export function channelsLast({ shape, data }: Values): Values {
  const [n, c, ...rest] = shape;
  return { shape: [n, ...rest, c], data: transposed(data, n, c, elements(rest)) };
}

/** From [N, …, C] to [N, C, …]. */
export function channelsFirst({ shape, data }: Values): Values {
  const [n, c, rest] = [shape[0], shape.at(-1)!, shape.slice(1, -1)];
  return { shape: [n, c, ...rest], data: transposed(data, n, elements(rest), c) };
}

/** From [n, rows, columns] to [n, columns, rows]. */
function transposed(data: Float32Array, n: number, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const [column, row] = [i % columns, Math.floor(i / columns) % rows];
    result[(Math.floor(i / (rows * columns)) * columns + column) * rows + row] = data[i];
  }
  expect(data.length).toBe(n * rows * columns);
  return result;
}

export const tensorOf = (name: string, { shape, data }: Values): Tensor => constant(name, data, shape);

/**
 * Records, runs once and reads what `build` returns, and the values after the run of variables that `updated` names.
 * @param first values of variables in place of their own
 */
export async function run(
  device: Device,
  build: () => Record<string, Tensor>,
  updated: Record<string, Tensor> = {},
  first: ReadonlyMap<Tensor, Float32Array> = new Map(),
): Promise<Record<string, Float32Array>> {
  const { graph, result } = trace(build);
  if (device === 'reference') {
    const given = new Map(Array.from(first, ([tensor, data]) => [tensor, Float64Array.from(data)]));
    const values = interpret(graph, given);
    return mapValues({ ...result, ...updated }, (tensor) => Float32Array.from(values.get(tensor)!));
  }
  const state = new State(device);
  for (const [tensor, data] of first) state.write(tensor, data);
  const program = await Program.compile(graph, state, result);
  const values = await program.run().read();
  for (const [name, tensor] of Object.entries(updated)) values[name] = await state.read(tensor);
  program.destroy();
  state.destroy();
  return values as Record<string, Float32Array>;
}

export const mapValues = <A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));

/** 4 ε √K: what rounding of K products and sums in f32 may make, relative to the largest value. */
export const toleranceOf = (length: number): number => 4 * 2 ** -23 * Math.sqrt(length);

/** Compares by the largest difference, relative to the largest value. */
export function expectClose(name: string, actual: ArrayLike<number>, expected: Values, tolerance: number): void {
  const error = relativeError(actual, expected.data);
  expect(error, `${name}: error relative to the largest value`).toBeLessThanOrEqual(tolerance);
}

/** Euclidean norm, summed in float64. */
export function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ** 2;
  return Math.sqrt(sum);
}

/** actual − expected, in float64. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): Float64Array {
  const result = new Float64Array(expected.length);
  for (let i = 0; i < result.length; i++) result[i] = actual[i] - expected[i];
  return result;
}

/** ‖actual − expected‖ / ‖expected‖. */
export const normError = (actual: ArrayLike<number>, expected: ArrayLike<number>): number =>
  norm(difference(actual, expected)) / norm(expected);

/**
 * A check of the file's `y` or `loss` and of `grad_<name>` for each of the inputs named: `build` makes the value of these, in their
 * order. The gradients are those of the loss, or of Σ y · grad_y.
 */
export const checkWithGradients =
  (
    names: readonly string[],
    build: (inputs: readonly Tensor[], file: GoldenFile) => Tensor,
    tolerance = 3e-6,
  ): GoldenCheck =>
  async (file, device) => {
    const result = file.has('y') ? 'y' : 'loss';
    const values = await run(device, () => {
      const inputs = names.map((name) => tensorOf(name, file.get(name)));
      const value = build(inputs, file);
      const seed = file.has('grad_y') ? tensorOf('grad_y', file.get('grad_y')) : undefined;
      const dx = gradients(value, inputs, seed);
      return { [result]: value, ...Object.fromEntries(names.map((name, i) => [`grad_${name}`, dx[i]])) };
    });
    for (const [name, value] of Object.entries(values)) expectClose(name, value, file.get(name), tolerance);
    return undefined;
  };
