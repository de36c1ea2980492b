import { fromFloat16, toFloat16 } from '../float16.ts';
import type { Gpu } from '../gpu/device.ts';
import { byteLength, type Data, type DType, elementBytes, type Tensor } from './tensor.ts';

const storage = () => GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

/** Bytes that were read back as values: a view, but for f16 a copy. */
export function typedArray(dtype: DType, bytes: ArrayBuffer, offset = 0, length?: number): Data {
  if (dtype === 'f32') return new Float32Array(bytes, offset, length);
  if (dtype === 'f16') return fromFloat16(new Uint16Array(bytes, offset, length));
  if (dtype === 'u32') return new Uint32Array(bytes, offset, length);
  return new Int32Array(bytes, offset, length);
}

/** What is written to a tensor's buffer: f16 rounded and filled up to whole words. */
export function uploadable(dtype: DType, data: Data): ArrayBufferView<ArrayBuffer> {
  if (dtype !== 'f16') return data as Float32Array<ArrayBuffer>;
  const words = new Uint16Array(Math.ceil(data.length / 2) * 2);
  words.set(toFloat16(data));
  return words;
}

/**
 * The values of variables on one device. Programs that are compiled against the same state share them: a training step updates
 * the weights that an embedding program reads. A variable is allocated and given its first value when it is first asked for.
 */
export class State {
  private readonly buffers = new Map<Tensor, GPUBuffer>();
  /** Derived variables that are older than what they are computed from. */
  private readonly stale = new Set<Tensor>();

  constructor(readonly gpu: Gpu) {}

  /** The buffer of a variable that lies in no other (a flat one, or one of its own). */
  buffer(root: Tensor): GPUBuffer {
    let buffer = this.buffers.get(root);
    if (!buffer) {
      buffer = this.gpu.createBuffer(root.name, Math.max(16, byteLength(root)), storage());
      this.buffers.set(root, buffer);
      this.initialise(root);
      if (root.derived) this.stale.add(root);
      for (const member of root.members) this.adopt(member, buffer);
    }
    return buffer;
  }

  /** Gives a member of a flat variable its first value, or the one that it had before it was laid there. */
  private adopt(member: Tensor, flat: GPUBuffer): void {
    const own = this.buffers.get(member);
    if (!own) {
      this.initialise(member);
      return;
    }
    const { device } = this.gpu;
    const encoder = device.createCommandEncoder({ label: `${member.name} into a flat variable` });
    encoder.copyBufferToBuffer(own, 0, flat, member.flat!.offset * elementBytes(member.dtype), byteLength(member));
    device.queue.submit([encoder.finish()]);
    this.changed(member.flat!.parent);
    this.buffers.delete(member);
    this.gpu.destroyBuffer(own);
  }

  /** Notes that a program or `write` changed a variable (flat, or one of its own) and not what is computed from it. */
  changed(root: Tensor): void {
    for (const copy of root.copies) this.stale.add(copy);
  }

  /** Whether a derived variable has to be computed anew; whoever asks does it. */
  takeStale(derived: Tensor): boolean {
    return this.stale.delete(derived);
  }

  private initialise(variable: Tensor): void {
    if (variable.origin.kind !== 'variable') throw new Error(`${variable} is not a variable`);
    const data = variable.origin.init?.();
    if (data) this.write(variable, data);
  }

  /** Sets a variable, or as many of its elements from `start` on as there are in `data`. */
  write(variable: Tensor, data: Data, start?: number): void {
    if (start === undefined ? data.length !== variable.size : start + data.length > variable.size) {
      throw new Error(`${variable} cannot be set to ${data.length} elements at offset ${start ?? 0}`);
    }
    const { buffer, offset } = this.locate(variable);
    this.changed(variable.flat?.parent ?? variable);
    this.gpu.device.queue.writeBuffer(
      buffer,
      offset + (start ?? 0) * elementBytes(variable.dtype),
      uploadable(variable.dtype, data),
    );
  }

  /** Reads a variable back. */
  async read(variable: Tensor): Promise<Data> {
    const { buffer, offset } = this.locate(variable);
    return typedArray(
      variable.dtype,
      await this.gpu.readBuffer(buffer, offset, byteLength(variable)),
      0,
      variable.size,
    );
  }

  /** Reads many variables, each flat buffer once. */
  async readAll(variables: readonly Tensor[]): Promise<Map<Tensor, Data>> {
    const whole = new Map<Tensor, ArrayBuffer>();
    const values = new Map<Tensor, Data>();
    for (const variable of variables) {
      const root = variable.flat?.parent ?? variable;
      if (!whole.has(root)) whole.set(root, await this.gpu.readBuffer(this.buffer(root)));
      values.set(
        variable,
        typedArray(
          variable.dtype,
          whole.get(root)!,
          (variable.flat?.offset ?? 0) * elementBytes(variable.dtype),
          variable.size,
        ),
      );
    }
    return values;
  }

  /** Where the bytes of a variable begin. */
  locate(variable: Tensor): { buffer: GPUBuffer; offset: number } {
    return {
      buffer: this.buffer(variable.flat?.parent ?? variable),
      offset: (variable.flat?.offset ?? 0) * elementBytes(variable.dtype),
    };
  }

  /** Frees the values of all variables: programs of this state are of no use afterwards. */
  destroy(): void {
    for (const buffer of this.buffers.values()) this.gpu.destroyBuffer(buffer);
    this.buffers.clear();
  }
}
