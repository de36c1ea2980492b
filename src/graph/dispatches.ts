/** Launches as the device takes them: pipelines, bind groups, and their parameters in one buffer. */
import type { Gpu } from '../gpu/device.ts';
import { packParams } from '../gpu/kernel.ts';
import type { Buffers } from './buffers.ts';
import type { PlannedLaunch } from './plan.ts';
import type { Dispatch } from './submission.ts';

/** Pipelines and bind groups of launches. */
export async function prepare(
  gpu: Gpu,
  launches: readonly PlannedLaunch[],
  buffers: Buffers,
  onPipeline?: (done: number, total: number) => void,
): Promise<Dispatch[]> {
  const params = writeParams(gpu, launches);
  buffers.own(params.buffer);
  const dispatches: Dispatch[] = [];
  for (const [index, launch] of launches.entries()) {
    const pipeline = await gpu.pipelines.get(launch.kernel, launch.constants);
    const bindGroup = createBindGroup(gpu, launch, buffers, { buffer: params.buffer, offset: params.offsets[index] });
    dispatches.push({ launch, pipeline, bindGroup });
    onPipeline?.(index + 1, launches.length);
  }
  return dispatches;
}

/** All parameters of all launches in one uniform buffer, each at the alignment that binding asks for. */
function writeParams(gpu: Gpu, launches: readonly PlannedLaunch[]): { buffer: GPUBuffer; offsets: number[] } {
  const offsets: number[] = [];
  let size = 0;
  for (const { kernel } of launches) {
    offsets.push(size);
    size += Math.ceil(kernel.params.size / 256) * 256;
  }
  const bytes = new ArrayBuffer(Math.max(256, size));
  launches.forEach(({ kernel, params }, index) => packParams(kernel, params, new DataView(bytes), offsets[index]));
  const buffer = gpu.createBuffer(
    'parameters of launches',
    bytes.byteLength,
    GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  );
  gpu.device.queue.writeBuffer(buffer, 0, bytes);
  return { buffer, offsets };
}

function createBindGroup(
  gpu: Gpu,
  launch: PlannedLaunch,
  buffers: Buffers,
  params: { buffer: GPUBuffer; offset: number },
): GPUBindGroup {
  const { kernel, bindings, label } = launch;
  const unknown = Object.keys(bindings).find((name) => !kernel.bindings.some((binding) => binding.name === name));
  if (unknown) throw new Error(`${label}: the kernel has no binding '${unknown}'`);
  const entries = kernel.bindings.map(({ name, binding, access }) => {
    if (access === 'uniform') {
      return { binding, resource: { buffer: params.buffer, offset: params.offset, size: kernel.params.size } };
    }
    const bound = bindings[name];
    if (!bound) throw new Error(`${label}: binding '${name}' is missing`);
    return { binding, resource: buffers.of(bound) };
  });
  return gpu.device.createBindGroup({ label, layout: gpu.pipelines.layout(kernel), entries });
}
