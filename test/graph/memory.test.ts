/** Whole training steps by their plans, without a device: what a launch reads is still in memory when it runs. */
import { expect, it } from 'vitest';
import { hostImages } from '../../src/data/source.ts';
import type { DeviceTraits } from '../../src/gpu/device.ts';
import { type Plan, plan } from '../../src/graph/plan.ts';
import { type Scratch, Tensor } from '../../src/graph/tensor.ts';
import { input, trace, variable } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { batchNorm } from '../../src/ops/batch_norm.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { maxPool2d } from '../../src/ops/max_pool.ts';
import { adam } from '../../src/optim/adam.ts';
import { traceStep } from '../../src/ssl/trace_step.ts';
import { contrastiveDefaults, contrastiveParts, SimClr } from '../ssl/contrastive.ts';

const unit = { M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32' };
const device = (software: boolean, binds: number): DeviceTraits => ({
  adapter: 'test',
  vendor: '',
  software,
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
  matrixConfigs: software ? [] : [unit],
  features: new Set(['subgroups', 'shader-f16']),
  limits: {
    maxStorageBufferBindingSize: binds,
    maxComputeWorkgroupStorageSize: 49152,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupSizeX: 1024,
  },
});

/** The tensor whose values a view shows. */
const shown = (bound: Tensor | Scratch): Tensor | Scratch =>
  bound instanceof Tensor && bound.node?.op.storage === 'view' ? shown(bound.node.inputs[0]) : bound;

const isFlat = (bound: Tensor | Scratch): boolean => bound instanceof Tensor && bound.node?.op.storage === 'flatten';

/** What lies in the buffers of a plan while its launches run, and every read of something else. */
class Memory {
  readonly strays: string[] = [];
  /** For each buffer, the tensors in it by their offsets. */
  private readonly buffers = new Map<number, Map<number, Tensor | Scratch>>();

  constructor(private readonly planned: Plan) {
    for (const { label, node, kernel, bindings } of planned.launches) {
      const bound = (access: string) =>
        kernel.bindings.filter((binding) => binding.access === access).map(({ name }) => bindings[name]);
      for (const tensor of bound('read')) this.expect(tensor, label);
      for (const tensor of bound('read_write')) {
        const { inPlace } = node.op;
        if (
          inPlace &&
          tensor === node.outputs[inPlace.output] &&
          this.hasPlacementOf(tensor, node.inputs[inPlace.input])
        )
          this.expect(node.inputs[inPlace.input], label);
        this.write(tensor);
      }
    }
    for (const output of planned.outputs) this.expect(output, 'outputs');
  }

  private at(bound: Tensor | Scratch) {
    const { root, offset } = this.planned.placement(bound);
    return root instanceof Tensor ? undefined : { root, offset };
  }

  private hasPlacementOf(a: Tensor, b: Tensor): boolean {
    const [one, other] = [this.at(a), this.at(b)];
    return one !== undefined && one.root === other?.root && one.offset === other.offset;
  }

  private expect(bound: Tensor | Scratch, label: string): void {
    const placement = this.at(bound);
    if (!placement || isFlat(bound)) return;
    const found = this.buffers.get(placement.root.buffer)?.get(placement.offset);
    if (found !== shown(bound)) this.strays.push(`${label} reads ${bound.name}, there is ${found?.name ?? 'nothing'}`);
  }

  private write(bound: Tensor | Scratch): void {
    const placement = this.at(bound);
    if (!placement) return;
    const { root, offset } = placement;
    const there = this.buffers.get(root.buffer);
    const kept = there && root.dedicated ? there : new Map<number, Tensor | Scratch>();
    this.buffers.set(root.buffer, kept.set(offset, shown(bound)));
  }
}

const steps = [false, true].flatMap((software) =>
  (['f32', 'f16'] as const).flatMap((precision) =>
    [
      { batchSize: 256, microBatch: 0, imageSize: 96 },
      { batchSize: 4096, microBatch: 256, imageSize: 96 },
      { batchSize: 6, microBatch: 2, imageSize: 35 },
    ].map((sizes) => ({ software, precision, ...sizes })),
  ),
);

it.each(steps)(
  '$batchSize pairs of $imageSize pixels in pieces of $microBatch, $precision, software $software',
  ({ software, ...sizes }) => {
    const set = { name: 'images', count: 8, height: 40, width: 50, skipped: [], read: () => {} };
    const options = { ...contrastiveDefaults, ...sizes, makeOptimizer: (weights: Tensor) => adam(weights, {}) };
    const { phases } = traceStep(contrastiveParts(new SimClr(), hostImages(set), options));
    let inPlace = 0;
    for (const { graph, outputs } of phases) {
      const planned = plan(graph, Object.values(outputs), device(software, 2 ** 31 - 4));
      expect(new Memory(planned).strays).toEqual([]);
      inPlace += planned.launches.filter(({ constants }) => constants?.['in_place'] === 1).length;
    }
    expect(inPlace).toBeGreaterThan(10);
  },
);

it('a gradient that two batch norms read is overwritten by the second only, if by any', () => {
  const { graph, result } = trace(() => {
    const [a, b, dy] = [
      [2, 4, 4, 4],
      [2, 4, 4, 4],
      [2, 2, 2, 4],
    ].map((shape, i) => input(`x${i}`, shape, 'f32'));
    const norm = () => ({
      weight: variable('weight', [4]),
      bias: variable('bias', [4]),
      runningMean: variable('running_mean', [4]),
      runningVar: variable('running_var', [4]),
    });
    const y = maxPool2d(add(batchNorm(a, norm()), batchNorm(b, norm())), { kernel: 2 });
    return gradients(y, [a, b], dy);
  });
  expect(new Memory(plan(graph, result, device(false, 2 ** 27))).strays).toEqual([]);
});
