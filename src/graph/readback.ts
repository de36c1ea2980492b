import type { State } from './state.ts';
import { byteLength, type Tensor } from './tensor.ts';

/** Reads an f32 variable step after step, through a staging buffer and an array that stay. */
export class Readback {
  private readonly staging: GPUBuffer;
  /** What was read last; the next read writes over it. */
  readonly values: Float32Array;

  constructor(
    private readonly state: State,
    private readonly variable: Tensor,
  ) {
    if (variable.dtype !== 'f32') throw new Error(`${variable} is not f32`);
    this.values = new Float32Array(variable.size);
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    this.staging = state.gpu.createBuffer(`${variable.name}, read back`, byteLength(variable), usage);
  }

  /** The values behind all that was submitted; to be awaited before the next call. */
  async read(): Promise<Float32Array> {
    const { staging, values, variable } = this;
    const { gpu } = this.state;
    const { buffer, offset } = this.state.locate(variable);
    const encoder = gpu.device.createCommandEncoder({ label: 'read back' });
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, byteLength(variable));
    gpu.device.queue.submit([encoder.finish()]);
    await gpu.mapForReading(staging);
    values.set(new Float32Array(staging.getMappedRange()));
    staging.unmap();
    return values;
  }

  destroy(): void {
    this.state.gpu.destroyBuffer(this.staging);
  }
}
