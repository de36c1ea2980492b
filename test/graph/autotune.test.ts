import { expect, it, vi } from 'vitest';
import reluForward from '../../kernels/relu/forward.wgsl';
import { UserError } from '../../src/errors.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { DeviceLost } from '../../src/gpu/faults.ts';
import { grid1d, type Kernel } from '../../src/gpu/kernel.ts';
import { Tuner, type Tuning } from '../../src/graph/autotune.ts';
import { agreement, timeOf } from '../../src/graph/autotune_measure.ts';
import { winner } from '../../src/graph/autotune_trials.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Op, Tensor } from '../../src/graph/tensor.ts';
import { apply, type Graph, trace } from '../../src/graph/trace.ts';
import { useVariantTuner } from '../../src/graph/variant_tuner.ts';
import { ntXent } from '../../src/losses/nt_xent.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { onEveryAdapter, sample } from '../ops/harness.ts';

/** relu in three ways: at once, forty times over (slow: even a busy machine sees it), and only for half of the elements (wrong, and the fastest). */
const threeWays: Op<{ size: number }> = {
  name: 'three_ways',
  infer: ([x]) => [x],
  launches({ inputs: [x], outputs: [y], attrs: { size }, selectVariant }) {
    const launch = (elements: number) => ({
      kernel: reluForward,
      bindings: { x, y },
      params: { size: elements },
      workgroups: grid1d(Math.ceil(elements / 4), 64),
      flops: elements,
    });
    return selectVariant({
      slow: () => Array.from({ length: 40 }, () => launch(size)),
      wrong: () => [launch(size / 2)],
      fast: () => [launch(size)],
    });
  },
};

/** relu by a kernel in three ways, of which two leave out the same half, and by another kernel: both wrong ones are the fastest. */
const wrongAlike: Op<{ size: number }> = {
  name: 'wrong_alike',
  infer: ([x]) => [x],
  launches({ inputs: [x], outputs: [y], attrs: { size }, selectVariant }) {
    const launch = (kernel: Kernel, elements: number) => [
      { kernel, bindings: { x, y }, params: { size: elements }, workgroups: grid1d(Math.ceil(elements / 4), 64) },
    ];
    const renamed = { ...reluForward, name: 'relu/another' };
    return selectVariant({
      wrong: () => launch(reluForward, size / 2),
      wrong_too: () => launch(reluForward, size / 2),
      right: () => launch(renamed, size),
      right_too: () => launch(reluForward, size),
    });
  },
};

/** relu by a kernel that does not compile, by one that has barriers, and as it is. */
const oneWay: Op<{ size: number }> = {
  name: 'one_way',
  infer: ([x]) => [x],
  launches({ inputs: [x], outputs: [y], attrs: { size }, selectVariant }) {
    const launch = (name: string, code: string) => {
      const kernel = { ...reluForward, name: `relu/${name}`, code };
      return [{ kernel, bindings: { x, y }, params: { size }, workgroups: grid1d(Math.ceil(size / 4), 64) }];
    };
    return selectVariant({
      broken: () => launch('broken', 'fn main('),
      barriers: () => launch('barriers', `// workgroupBarrier()\n${reluForward.code}`),
      plain: () => launch('plain', reluForward.code),
    });
  },
};

class Memory {
  readonly found = new Map<string, Tuning>();
  reads = 0;
  read(key: string) {
    this.reads++;
    return this.found.get(key);
  }
  write(key: string, tuning: Tuning) {
    this.found.set(key, tuning);
  }
}

const size = 1 << 19;
const build = () => trace(() => ({ y: apply(threeWays, [sample('x', [size])], { size })[0] }));

onEveryAdapter((gpu) => {
  it('the fastest variant that agrees with another wins; one that is wrong is named and never used', async () => {
    const cache = new Memory();
    const rejected: string[] = [];
    const tuner = new Tuner(gpu(), cache, { onRejected: (message) => rejected.push(message) });
    const { graph, result } = build();
    const selectVariant = await tuner.selectVariants(graph, [result.y], {});
    const [[key, tuning]] = [...cache.found];
    expect(key).toMatch(/^three_ways f32\[524288\] .* of slow wrong fast$/);
    expect(tuning.variant).toBe('fast');
    expect(tuning.milliseconds['fast']).toBeLessThan(tuning.milliseconds['slow']);
    expect(Object.keys(tuning.milliseconds)).not.toContain('wrong');
    expect(rejected).toEqual([`${key}: the results of variant 'wrong' match no other variant's; it is not used`]);
    expect(selectVariant(graph.nodes[0], ['slow', 'wrong', 'fast'])).toBe('fast');
  });

  it('variants of one kernel that are wrong alike do not bear each other out', async () => {
    const cache = new Memory();
    const rejected: string[] = [];
    const tuner = new Tuner(gpu(), cache, { onRejected: (message) => rejected.push(message) });
    const { graph, result: y } = trace(() => apply(wrongAlike, [sample('x', [4096])], { size: 4096 })[0]);
    await tuner.selectVariants(graph, [y], {});
    const [tuning] = [...cache.found.values()];
    expect(Object.keys(tuning.milliseconds).sort()).toEqual(['right', 'right_too']);
    expect(rejected.map((message) => message.match(/variant '(\w+)'/)?.[1])).toEqual(['wrong', 'wrong_too']);
  });

  it('the only variant that runs is taken, and no other is complained of than what cannot run', async () => {
    const cache = new Memory();
    const rejected: string[] = [];
    const tuner = new Tuner(gpu(), cache, { onRejected: (message) => rejected.push(message) });
    const { graph, result: y } = trace(() => apply(oneWay, [sample('x', [64])], { size: 64 })[0]);
    const before = gpu().bytes;
    await tuner.selectVariants(graph, [y], {});
    expect(gpu().bytes).toBe(before);
    const [tuning] = [...cache.found.values()];
    if (gpu().traits.software) expect(Object.keys(tuning.milliseconds)).toEqual(['plain']);
    expect(['plain', 'barriers']).toContain(tuning.variant);
    expect(rejected).toEqual([expect.stringMatching(/variant 'broken' cannot run here/)]);
  });

  it('what is in the cache is not measured again, unless it was found for other kernels or is not offered', async () => {
    const cache = new Memory();
    const measured: string[] = [];
    const tune = (pinned = {}) => {
      const tuner = new Tuner(gpu(), cache, { onTune: (_done, _total, what) => measured.push(what) });
      tuner.pin(pinned);
      const { graph, result } = build();
      return tuner.selectVariants(graph, [result.y], {});
    };
    await tune();
    expect(measured).toHaveLength(2);
    await tune();
    expect(measured).toHaveLength(2);
    const [[key, tuning]] = [...cache.found];
    cache.found.set(key, { ...tuning, code: 'others' });
    await tune();
    cache.found.set(key, { ...tuning, variant: 'gone' });
    await tune();
    expect(measured).toHaveLength(6);
    const selectVariant = await tune({ [key]: 'slow' });
    expect(measured).toHaveLength(6);
    expect(selectVariant(build().graph.nodes[0], ['slow', 'wrong', 'fast'])).toBe('slow');
  });

  it('programs of a device take what its variant tuner says, and tuning leaves no memory behind', async () => {
    const x = sample('x', [2, 5, 5, 8]);
    const { graph, result: y } = trace(() => conv2d(x, sample('w', [8, 3, 3, 8])));
    const state = new State(gpu());
    const before = gpu().bytes;
    const selectVariant = await new Tuner(gpu(), new Memory()).selectVariants(graph, [y], {});
    expect(gpu().bytes).toBe(before);
    const offered: string[][] = [];
    useVariantTuner(gpu(), {
      selectVariants: async () => (node, names) => {
        offered.push([...names]);
        return selectVariant(node, names) === undefined ? undefined : 'portable';
      },
    });
    const program = await Program.compile(graph, state, { y });
    expect(program.plan.launches[0].kernel.name).toBe('conv2d/implicit_gemm');
    expect(offered).toHaveLength(1);
    program.destroy();
    state.destroy();
  });
});

/** The op of three ways for two sizes, the smaller one first. */
const twoSizes = () =>
  trace(() => [4096, 8192].map((elements) => apply(threeWays, [sample('x', [elements])], { size: elements })[0]));

onEveryAdapter((gpu) => {
  it('when the time is spent the largest node of an op was measured, and the others take what was found for it', async () => {
    const cache = new Memory();
    const { graph, result } = twoSizes();
    const selectVariant = await new Tuner(gpu(), cache, {}, { milliseconds: 0 }).selectVariants(graph, result, {});
    const [large, small] = [...cache.found];
    expect(large[0]).toMatch(/^three_ways f32\[8192\]/);
    expect(Object.keys(large[1].milliseconds)).toHaveLength(2);
    expect(small[0]).toMatch(/^three_ways f32\[4096\]/);
    expect(small[1]).toEqual({ ...large[1], code: small[1].code, milliseconds: {} });
    expect(selectVariant(graph.nodes[0], ['slow', 'wrong', 'fast'])).toBe(large[1].variant);
  });

  it('nodes that are too small to be worth it are not measured', async () => {
    const cache = new Memory();
    const x = sample('x', [1, 5, 5, 8]);
    const { graph, result: y } = trace(() => conv2d(x, sample('w', [8, 3, 3, 8])));
    const flops = 2 * (3 * 3 * 8) * (3 * 3 * 8); // no padding: 3×3 pixels
    const measured = async (leastFlops: number) => {
      await new Tuner(gpu(), cache, {}, { milliseconds: 60_000, leastFlops }).selectVariants(graph, [y], {});
      return cache.found.size;
    };
    expect(await measured(flops + 1)).toBe(0);
    // SwiftShader has a single variant that shares loads: there is nothing to choose.
    const choices = gpu().traits.software && gpu().traits.subgroupMinSize !== 8 ? 0 : 1;
    expect(await measured(flops)).toBe(choices);
  });

  it('without a limit all sizes are measured', async () => {
    const cache = new Memory();
    const { graph, result } = twoSizes();
    await new Tuner(gpu(), cache).selectVariants(graph, result, {});
    expect([...cache.found.values()].map(({ milliseconds }) => Object.keys(milliseconds).length)).toEqual([2, 2]);
  });

  it('a software adapter whose time is limited tries the variants that share loads, and none where there is only one', async ({
    skip,
  }) => {
    if (!gpu().traits.software) skip('hardware tries all variants');
    const cache = new Memory();
    const { graph, result: y } = trace(() => conv2d(sample('x', [1, 5, 5, 8]), sample('w', [8, 3, 3, 8])));
    const { choices } = await limited(gpu(), cache, graph, y);
    const octets = gpu().traits.subgroupMinSize === 8;
    const tried = [...cache.found.values()].map(({ milliseconds }) => Object.keys(milliseconds).sort());
    expect(tried).toEqual(octets ? [['octet_16', 'octet_32', 'subgroup']] : []);
    expect(choices.size).toBe(octets ? 1 : 0);
  });
});

async function limited(gpu: Gpu, cache: Memory, graph: Graph, y: Tensor): Promise<Tuner> {
  const tuner = new Tuner(gpu, cache, {}, { milliseconds: 60_000 });
  await tuner.selectVariants(graph, [y], {});
  return tuner;
}

it("the table's first variant stays unless another is faster by more than chance", () => {
  const times = (first: number, second: number) => [
    { name: 'second', milliseconds: second },
    { name: 'first', milliseconds: first },
  ];
  expect(winner(times(1.04, 1), 'first')).toBe('first');
  expect(winner(times(1.1, 1), 'first')).toBe('second');
  expect(winner(times(1, 1.04), 'second')).toBe('second');
  expect(winner(times(1, 2), 'absent')).toBe('first');
  expect(winner([], 'first')).toBeUndefined();
});

it.each([
  [
    'fails',
    new UserError('the GPU rejected a command'),
    'the GPU rejected a command (while measuring variants of three_ways; --no-autotune skips this)',
  ],
  [
    'is lost',
    new DeviceLost('it hung'),
    'the GPU device was lost (it hung, while measuring variants of three_ways; --no-autotune skips this); run the command again',
  ],
])(
  'a device that %s ends the tuning; nothing is noted of what could not be measured any more',
  async (_what, failure, message) => {
    const gpu = await Gpu.open({ nullBackend: true });
    const cache = new Memory();
    const rejected: string[] = [];
    const tuner = new Tuner(gpu, cache, {
      onTune: () => void (gpu.failure = failure),
      onRejected: (reason) => rejected.push(reason),
    });
    const { graph, result } = build();
    const error: unknown = await tuner.selectVariants(graph, [result.y], {}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(failure.constructor);
    expect((error as Error).message).toBe(message);
    expect([cache.found.size, tuner.choices.size, rejected.length]).toEqual([0, 0, 0]);
    gpu.destroy();
  },
);

onEveryAdapter((gpu) => {
  it('made-up values tell variants of products and of the loss apart by their time only', async () => {
    const { graph, result } = trace(() => {
      const z = sample('z', [8, 512]);
      const { loss } = ntXent(z, { temperature: 0.05 });
      return gradients(loss, [z]);
    });
    const rejected: string[] = [];
    const tuner = new Tuner(gpu(), new Memory(), { onRejected: (message) => rejected.push(message) });
    await tuner.selectVariants(graph, result, {});
    expect(rejected).toEqual([]);
  });

  it('outputs of an odd number of f16 are compared, too', async ({ skip }) => {
    if (!gpu().traits.features.has('shader-f16')) skip("the adapter has no 'shader-f16'");
    const { graph, result: y } = trace(() => {
      const [x, w] = [
        [1, 5, 5, 8],
        [3, 3, 3, 8],
      ].map((shape) => sample(`${shape}`, shape, { dtype: 'f16' }));
      return conv2d(x, w);
    });
    const cache = new Memory();
    await new Tuner(gpu(), cache).selectVariants(graph, [y], {});
    const [tuning] = [...cache.found.values()];
    expect(Object.keys(tuning.milliseconds).length).toBeGreaterThan(1);
  });
});

it('a short kernel is run so often that its time is told from the waiting for the device', async () => {
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const measured = (ofRun: number, waiting: number, best = Number.POSITIVE_INFINITY) => {
    const program = { run: () => void (now += ofRun) } as unknown as Program;
    const finish = async () => void (now += waiting);
    return timeOf({ finish } as unknown as Gpu, program, best);
  };
  expect(await measured(0.001, 1)).toBeLessThan(0.006);
  expect(await measured(0.05, 1)).toBeLessThan(0.06);
  expect(await measured(0.05, 3, 0.06)).toBeLessThan(0.075);
  expect(await measured(30, 1)).toBe(31);
  expect(await measured(30, 1, 5)).toBe(31);
  clock.mockRestore();
});

it('results agree when they differ by rounding, and not where a value in ten thousand is missing', () => {
  const a = Float32Array.from({ length: 10_000 }, (_, i) => Math.sin(i));
  const rounded = a.map((value, i) => value * (1 + (i % 2 ? 1e-5 : -1e-5)));
  const hole = a.map((value, i) => (i === 1234 ? 0 : value));
  expect(agreement(a, rounded, 'f32')).toBe(true);
  expect(agreement(a, hole, 'f32')).toBe(false);
  expect(agreement(a, a.with(7, Number.NaN), 'f32')).toBe(false);
  expect(agreement(a.fill(0), a, 'f32')).toBe(false);
});
