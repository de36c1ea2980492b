/** What a device can do at most, measured by kernels that do nothing else. */
import copyKernel from '../kernels/roofline/copy.wgsl';
import fmaKernel from '../kernels/roofline/fma.wgsl';
import type { Gpu } from '../src/gpu/device.ts';
import { grid1d } from '../src/gpu/kernel.ts';
import { Program } from '../src/graph/program.ts';
import { State } from '../src/graph/state.ts';
import type { Op, Tensor } from '../src/graph/tensor.ts';
import { apply, trace, variable } from '../src/graph/trace.ts';
import { milliseconds } from './timing.ts';

/** Fastest of several runs each: what else the machine does only takes away from it. */
export interface Roofline {
  /** Multiply-adds in f32 count two. */
  readonly gflops: number;
  /** Bytes read and bytes written. */
  readonly gbps: number;
}

interface FmaAttrs {
  readonly size: number;
  readonly rounds: number;
  readonly fused: boolean;
}

const multiplyAddsPerRound = 96;

const fmaOp: Op<FmaAttrs> = {
  name: 'roofline_fma',
  infer: (_inputs, { size }) => [{ shape: [size], dtype: 'f32' }],
  launches: ({ outputs: [y], attrs: { size, rounds, fused } }) => [
    {
      kernel: fmaKernel,
      constants: { fused: Number(fused) },
      bindings: { y },
      // A fixed point at 2: values stay ordinary numbers however often it is done.
      params: { size, rounds, factor: 0.5, term: 1 },
      workgroups: grid1d(size, 64),
      flops: 2 * multiplyAddsPerRound * rounds * size,
    },
  ],
};

const copyOp: Op<{ readonly each: number }> = {
  name: 'roofline_copy',
  infer: ([x]) => [x],
  launches: ({ inputs: [x], outputs: [y], attrs: { each } }) => [
    {
      kernel: copyKernel,
      constants: { each },
      bindings: { x, y },
      params: { quads: x.size / 4 },
      workgroups: grid1d(x.size / 4, 64 * each),
    },
  ],
};

export const fmaChains = (attrs: FmaAttrs): Tensor => apply(fmaOp, [], attrs)[0];
export const copyOf = (x: Tensor, each: number): Tensor => apply(copyOp, [x], { each })[0];

const runs = 5;
const shortest = 20;

/** Shortest time of one run of a graph, and its floating-point operations. */
async function fastest(gpu: Gpu, build: () => Tensor): Promise<{ ms: number; flops: number }> {
  const { graph, result } = trace(build);
  const state = new State(gpu);
  const program = await Program.compile(graph, state, {}, { keep: [result] });
  const times: number[] = [];
  for (let i = 0; i <= runs; i++) {
    const ms = await milliseconds(async () => {
      program.run();
      await gpu.finish();
    });
    if (i > 0) times.push(ms);
  }
  const [{ flops = 0 }] = program.plan.launches;
  program.destroy();
  state.destroy();
  gpu.trim();
  return { ms: Math.min(...times), flops };
}

/** Chains long enough that the time of a submission does not count. */
async function arithmetic(gpu: Gpu, fused: boolean): Promise<number> {
  const size = gpu.traits.software ? 2 ** 12 : 2 ** 20;
  for (let rounds = 16; ; rounds *= 4) {
    const { ms, flops } = await fastest(gpu, () => fmaChains({ size, rounds, fused }));
    if (ms >= shortest || rounds >= 2 ** 16) return flops / ms / 1e6;
  }
}

/** Arrays that no cache of the device holds, as far as a binding may be long. */
async function bandwidth(gpu: Gpu, each: number): Promise<number> {
  const wanted = gpu.traits.software ? 2 ** 26 : 2 ** 29;
  const bytes = Math.min(wanted, Math.floor(gpu.traits.limits['maxStorageBufferBindingSize'] / 16) * 16);
  const { ms } = await fastest(gpu, () => copyOf(variable('x', [bytes / 4]), each));
  return (2 * bytes) / ms / 1e6;
}

/** Measures the roofline of a device, with the better of two forms of each kernel; takes a second or so. */
export async function measureRoofline(gpu: Gpu): Promise<Roofline> {
  const gflops = Math.max(await arithmetic(gpu, true), await arithmetic(gpu, false));
  return { gflops, gbps: Math.max(await bandwidth(gpu, 1), await bandwidth(gpu, 256)) };
}
