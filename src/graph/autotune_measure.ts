/** How a variant is run, timed and compared. */
import type { Gpu } from '../gpu/device.ts';
import type { Program } from './program.ts';
import type { State } from './state.ts';
import { byteLength, type DType, elementBytes, type Tensor } from './tensor.ts';

/**
 * Bytes after which the made-up values repeat. No tensor's row has so odd a length: values that a wrong index would read instead
 * are other values.
 */
const period = 4 * 65_521;

/**
 * Pseudo-random values in [−1/16, 1/16): multiplicative congruence, the upper bits of 32. So small, because a loss takes exponentials of
 * products of rows, which must stay finite to be compared.
 */
function pattern(dtype: DType): Float32Array {
  let word = 12_345;
  return Float32Array.from({ length: period / elementBytes(dtype) }, () => {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    return word / 2 ** 35 - 1 / 16;
  });
}

/** Fills a floating-point variable with values by repeating a short pattern on the device; integers stay 0. */
export function fill(gpu: Gpu, state: State, tensor: Tensor): void {
  if (tensor.dtype !== 'f32' && tensor.dtype !== 'f16') return;
  const values = pattern(tensor.dtype);
  const first = values.subarray(0, Math.min(values.length, tensor.size));
  state.write(tensor, first, 0);
  if (tensor.size <= values.length) return;
  // A copy within one buffer is not allowed: the pattern goes through another.
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const source = gpu.device.createBuffer({ label: 'pattern', size: period, usage });
  const target = state.buffer(tensor);
  const encoder = gpu.device.createCommandEncoder({ label: 'fill' });
  encoder.copyBufferToBuffer(target, 0, source, 0, period);
  for (let at = period; at < target.size; at += period)
    encoder.copyBufferToBuffer(source, 0, target, at, Math.min(period, target.size - at));
  gpu.device.queue.submit([encoder.finish()]);
  source.destroy();
}

/** What a sample takes at least, milliseconds: several times what waiting for the device may. */
const shortest = 10;
const waiting = 3;
const mostRuns = 256;
/** What a first run may take beyond its work, milliseconds. */
const firstRun = 200;

/** Milliseconds of a run: the median of three samples, or the first one if that is far from `best`. */
export async function timeOf(gpu: Gpu, program: Program, best: number): Promise<number> {
  const sample = async (runs: number): Promise<number> => {
    const start = performance.now();
    for (let run = 0; run < runs; run++) program.run();
    await gpu.finish();
    return (performance.now() - start) / runs;
  };
  // The first run of a pipeline is not like the others: buffers are cleared, and a driver may finish compiling only now. One that
  // takes longer than that explains need not be repeated.
  const first = await sample(1);
  if (first > 20 * best + firstRun) return first;
  let runs = 1;
  let time = await sample(runs);
  if (time > 3 * best + waiting) return time;
  // A short kernel has to run often enough to be what is measured, and not the waiting.
  while (runs < mostRuns && time * runs < shortest) {
    runs = Math.min(mostRuns, Math.max(2 * runs, Math.ceil(shortest / time)));
    time = await sample(runs);
  }
  const times = [time, await sample(runs), await sample(runs)];
  return times.sort((a, b) => a - b)[1];
}

/** Outputs longer than this are compared in part. */
const wholeBytes = 4 * 2 ** 20;
const parts = 64;
const partBytes = 4096;

/** Values of the outputs after a run: all of them, or of a long output its two ends and parts spread in between. */
export async function sampleOf(program: Program, outputs: readonly Tensor[]): Promise<Float32Array> {
  const values: Float32Array[] = [];
  for (const tensor of outputs) {
    const bytes = byteLength(tensor);
    if (bytes <= wholeBytes) {
      values.push(Float32Array.from(await program.inspect(tensor)));
      continue;
    }
    const step = Math.floor((bytes - partBytes) / (parts - 1) / 4) * 4;
    for (let at = 0; at + partBytes <= bytes; at += step)
      values.push(Float32Array.from(await program.inspect(tensor, { at, bytes: partBytes })));
  }
  const whole = new Float32Array(values.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of values) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/**
 * Whether two variants gave the same: distance relative to the norm, within the rounding of sums in another order; `dtype` is f16 where
 * any tensor of the node is, for matrix units may keep fewer digits of the sums of f16 products than f32 has.
 */
export function agreement(a: Float32Array, b: Float32Array, dtype: DType): boolean {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < a.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += a[i] ** 2;
  }
  return a.length === b.length && norm > 0 && Math.sqrt(difference / norm) <= (dtype === 'f16' ? 2e-3 : 1e-4);
}
