/** All buffers of a device that are not destroyed, those that its account (`Gpu.bytes`) leaves out too. */
import type { Gpu } from '../src/gpu/device.ts';

export interface Live {
  readonly buffers: number;
  readonly bytes: number;
}

/** Counts from now on; call it before anything is made on the device. */
export function countBuffers({ device }: Gpu): () => Live {
  const sizes = new Map<GPUBuffer, number>();
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      sizes.delete(buffer);
      return destroy();
    };
    sizes.set(buffer, descriptor.size);
    return buffer;
  };
  return () => ({ buffers: sizes.size, bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0) });
}
