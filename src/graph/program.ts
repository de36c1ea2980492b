import type { Gpu } from '../gpu/device.ts';
import { type LaunchTime, Profiler } from '../gpu/profiler.ts';
import type { BufferPool } from './buffer_pool.ts';
import { Buffers, guardBytes } from './buffers.ts';
import { Derived } from './derived.ts';
import { prepare } from './dispatches.ts';
import { type Plan, type PlannedLaunch, type PlanOptions, plan } from './plan.ts';
import { type Peers, type SharedCopies, SharedValues } from './shared_values.ts';
import { type State, typedArray, uploadable } from './state.ts';
import { type Dispatch, type Submission, submissions } from './submission.ts';
import { byteLength, type Data, elementBytes, type Tensor } from './tensor.ts';
import type { Graph } from './trace.ts';
import { variantTunerOf } from './variant_tuner.ts';

/** Runs whose outputs may wait to be read at the same time. */
const ringSize = 4;

/** What one run gives: the outputs, copied when the run has finished. */
export interface Run<Name extends string = string> {
  /** Values of the outputs by the names given to `compile`; to be called once, before `ringSize` further runs. */
  read(): Promise<Record<Name, Data>>;
}

export type Inputs = Readonly<Record<string, Data>>;

/**
 * A planned graph with its memory, pipelines and bind groups: `run` writes the inputs, encodes the same dispatches again and
 * submits. Nothing is allocated after `compile`.
 */
export class Program<Name extends string = string> {
  private readonly inputs = new Map<string, { buffer: GPUBuffer; tensor: Tensor }>();
  private readonly ring: GPUBuffer[] = [];
  private readonly submissions: readonly Submission[];
  private readonly sharedValues: SharedValues;
  private runs = 0;

  private constructor(
    readonly gpu: Gpu,
    readonly plan: Plan,
    private readonly outputs: Readonly<Record<Name, Tensor>>,
    private readonly dispatches: readonly Dispatch[],
    private readonly buffers: Buffers,
    private readonly derived: Derived,
  ) {
    for (const leaf of plan.leaves) {
      if (leaf.origin.kind !== 'input') continue;
      if (this.inputs.has(leaf.name)) throw new Error(`two inputs are named '${leaf.name}': names must be unique`);
      this.inputs.set(leaf.name, { buffer: buffers.of(leaf).buffer, tensor: leaf });
    }
    this.submissions = submissions(dispatches);
    this.sharedValues = new SharedValues(gpu, this.submissions, buffers);
    const size = Object.values<Tensor>(outputs).reduce((sum, tensor) => sum + byteLength(tensor), 0);
    for (let i = 0; i < ringSize && size > 0; i++) {
      this.ring.push(gpu.createBuffer(`outputs ${i}`, size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST));
    }
  }

  /**
   * Plans, allocates and compiles. `outputs` are what runs can be asked for, by name; `keep` names tensors that stay on the device
   * and are computed all the same. With `pool`, memory is shared with programs that never run at the same time. UserError if the
   * device refuses it.
   */
  static async compile<Name extends string>(
    graph: Graph,
    state: State,
    outputs: Readonly<Record<Name, Tensor>> = {} as Readonly<Record<Name, Tensor>>,
    options: PlanOptions & { onPipeline?: (done: number, total: number) => void; pool?: BufferPool } = {},
  ): Promise<Program<Name>> {
    const { gpu } = state;
    const tensors = Object.values<Tensor>(outputs);
    const selectVariant = options.selectVariant ?? (await variantTunerOf(gpu)?.selectVariants(graph, tensors, options));
    const planned = plan(graph, tensors, gpu.traits, { ...options, selectVariant });
    const buffers = new Buffers(planned, state, options.inspect ? guardBytes : 0, options.pool);
    try {
      const dispatches = await prepare(gpu, planned.launches, buffers, options.onPipeline);
      const derived = await Derived.of(graph.nodes, planned, state, (own) => Program.compile(own, state));
      gpu.check();
      return new Program(gpu, planned, outputs, dispatches, buffers, derived);
    } catch (error) {
      buffers.release();
      throw error;
    }
  }

  /** Whether runs need what other processes have. */
  get isAwaiting(): boolean {
    return this.sharedValues.areAwaited;
  }

  /** Runs once. `inputs` has a value for every input of the graph. Returns at once; the device works on. Nothing is shared. */
  run(inputs: Inputs = {}): Run<Name> {
    if (this.isAwaiting) throw new Error('this program needs what other processes have: use runShared');
    this.begin(inputs);
    let staging: GPUBuffer | undefined;
    for (const submission of this.submissions) staging = this.submit(submission);
    this.derived.note();
    return { read: () => this.readOutputs(staging) };
  }

  /** Runs once, as `run` does, together with other processes that run the same: what launches share is exchanged while it runs. */
  async runShared(inputs: Inputs, peers: Peers): Promise<Run<Name>> {
    this.begin(inputs);
    let staging: GPUBuffer | undefined;
    const exchange = this.sharedValues.begin(peers);
    for (const submission of this.submissions) {
      staging = this.submit(submission, exchange.copies);
      await exchange.behind(submission);
    }
    await exchange.finish();
    this.derived.note();
    return { read: () => this.readOutputs(staging) };
  }

  private begin(inputs: Inputs): void {
    this.gpu.check();
    this.derived.refresh();
    this.write(inputs);
  }

  /** The last submission also copies the outputs, to the buffer that is returned. */
  private submit(submission: Submission, copies?: SharedCopies): GPUBuffer | undefined {
    const { device } = this.gpu;
    const encoder = device.createCommandEncoder({ label: 'run' });
    submission.encode(this.gpu, encoder);
    copies?.(submission, encoder);
    const staging = submission === this.submissions.at(-1) ? this.copyOutputs(encoder) : undefined;
    device.queue.submit([encoder.finish()]);
    return staging;
  }

  /** Runs once with a time stamp around every launch. UserError without the feature 'timestamp-query'. */
  async profile(inputs: Inputs = {}): Promise<LaunchTime<PlannedLaunch>[]> {
    this.derived.refresh();
    this.write(inputs);
    const profiler = new Profiler<PlannedLaunch>(this.gpu, this.dispatches.length);
    const encoder = this.gpu.device.createCommandEncoder({ label: 'profile' });
    for (const { launch, pipeline, bindGroup } of this.dispatches) {
      const pass = encoder.beginComputePass({ label: launch.label, timestampWrites: profiler.next(launch) });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...launch.workgroups);
      pass.end();
    }
    this.derived.note();
    return profiler.finish(encoder);
  }

  private write(inputs: Inputs): void {
    for (const [name, { buffer, tensor }] of this.inputs) {
      const data = inputs[name];
      if (data?.length !== tensor.size) {
        throw new Error(`input ${tensor} was given ${data ? `${data.length} elements` : 'nothing'}`);
      }
      this.gpu.device.queue.writeBuffer(buffer, 0, uploadable(tensor.dtype, data));
    }
  }

  private copyOutputs(encoder: GPUCommandEncoder): GPUBuffer | undefined {
    const staging = this.ring[this.runs++ % ringSize];
    if (staging?.mapState !== 'unmapped') return undefined;
    let offset = 0;
    for (const tensor of Object.values<Tensor>(this.outputs)) {
      const source = this.buffers.of(tensor);
      encoder.copyBufferToBuffer(source.buffer, source.offset, staging, offset, byteLength(tensor));
      offset += byteLength(tensor);
    }
    return staging;
  }

  private async readOutputs(staging: GPUBuffer | undefined): Promise<Record<Name, Data>> {
    const values = {} as Record<Name, Data>;
    if (!staging) {
      if (Object.keys(this.outputs).length === 0) return values;
      throw new Error(`more than ${ringSize} runs have not been read`);
    }
    await this.gpu.mapForReading(staging);
    const bytes = staging.getMappedRange().slice(0);
    staging.unmap();
    let offset = 0;
    for (const [name, tensor] of Object.entries(this.outputs) as [Name, Tensor][]) {
      values[name] = typedArray(tensor.dtype, bytes, offset, tensor.size);
      offset += byteLength(tensor);
    }
    return values;
  }

  /** Reads any tensor, or a part of its bytes, after a run; of intermediates only in a program compiled with `inspect`, where each keeps its memory. */
  async inspect(tensor: Tensor, part?: { at: number; bytes: number }): Promise<Data> {
    const { buffer, offset } = this.buffers.of(tensor);
    const { at, bytes } = part ?? { at: 0, bytes: byteLength(tensor) };
    const length = part ? bytes / elementBytes(tensor.dtype) : tensor.size;
    return typedArray(tensor.dtype, await this.gpu.readBuffer(buffer, offset + at, bytes), 0, length);
  }

  /** Names of the allocations behind whose end something was written (programs compiled with `inspect`). */
  damagedGuards(): Promise<string[]> {
    return this.buffers.damagedGuards();
  }

  /** Gives the program's memory back to the device's pool. Variables stay. */
  destroy(): void {
    this.derived.destroy();
    this.sharedValues.destroy();
    this.buffers.release();
    for (const buffer of this.ring) this.gpu.destroyBuffer(buffer);
  }
}
