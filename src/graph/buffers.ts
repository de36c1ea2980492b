import { type BufferPool, leastBytes } from './buffer_pool.ts';
import type { Plan } from './plan.ts';
import { type State, uploadable } from './state.ts';
import { byteLength, Scratch, Tensor } from './tensor.ts';

/** Bytes behind every allocation of a program that is compiled with `inspect`, filled with a pattern that no kernel may touch. */
export const guardBytes = 256;
const guardWord = 0x7f4a11ed;
/** The buffers behind a plan: those of intermediates, inputs and constants of its own, variables of the state. */
export class Buffers {
  private readonly buffers: GPUBuffer[];
  /** Those of them that belong to a pool. */
  private readonly pooled: readonly (GPUBuffer | undefined)[];
  private readonly leaves = new Map<Tensor, GPUBuffer>();
  private readonly owned: GPUBuffer[] = [];

  constructor(
    private readonly plan: Plan,
    private readonly state: State,
    private readonly guard: number,
    pool?: BufferPool,
  ) {
    const { gpu } = state;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    this.pooled = pool?.take(plan) ?? [];
    this.buffers = plan.bufferSizes.map(
      (bytes, index) =>
        this.pooled[index] ?? gpu.createBuffer(`intermediate ${index}`, Math.max(leastBytes, bytes + guard), usage),
    );
    for (const leaf of plan.leaves) {
      if (leaf.origin.kind === 'variable') continue;
      const buffer = gpu.createBuffer(leaf.name, Math.max(leastBytes, byteLength(leaf)), usage);
      if (leaf.origin.kind === 'constant')
        gpu.device.queue.writeBuffer(buffer, 0, uploadable(leaf.dtype, leaf.origin.data));
      this.leaves.set(leaf, buffer);
    }
    for (const leaf of plan.leaves) if (leaf.origin.kind === 'variable') state.buffer(leaf);
    this.fillGuards();
  }

  own(buffer: GPUBuffer): void {
    this.owned.push(buffer);
  }

  /** Where a tensor's bytes are. `size` is what a kernel may see: the guard lies within reach, so that an overrun shows. */
  of(tensor: Tensor | Scratch): { buffer: GPUBuffer; offset: number; size: number } {
    const { root, offset } = this.plan.placement(tensor);
    const bytes = Math.max(leastBytes, tensor instanceof Scratch ? tensor.bytes : byteLength(tensor));
    if (root instanceof Tensor) {
      return { buffer: this.leaves.get(root) ?? this.state.buffer(root), offset, size: bytes };
    }
    const buffer = this.buffers[root.buffer];
    if (!buffer) throw new Error(`${tensor.name} is not used by any launch of this program`);
    const whole = offset === 0 && bytes >= root.bytes;
    return { buffer, offset, size: whole ? Math.max(bytes, Math.min(bytes + this.guard, buffer.size)) : bytes };
  }

  private fillGuards(): void {
    if (!this.guard) return;
    const pattern = new Uint32Array(this.guard / 4).fill(guardWord);
    for (const { buffer, bytes } of this.plan.allocations)
      this.state.gpu.device.queue.writeBuffer(this.buffers[buffer], Math.ceil(bytes / 4) * 4, pattern);
  }

  async damagedGuards(): Promise<string[]> {
    const damaged: string[] = [];
    for (const { buffer, bytes, name } of this.plan.allocations) {
      const words = new Uint32Array(
        await this.state.gpu.readBuffer(this.buffers[buffer], Math.ceil(bytes / 4) * 4, this.guard),
      );
      if (words.some((word) => word !== guardWord)) damaged.push(name);
    }
    return damaged;
  }

  release(): void {
    const own = this.buffers.filter((_, index) => !this.pooled[index]);
    for (const buffer of [...own, ...this.leaves.values()]) this.state.gpu.release(buffer);
    for (const buffer of this.owned) this.state.gpu.destroyBuffer(buffer);
  }
}
