import { messageOf, UserError } from '../errors.ts';
import { describeError, firstLine, oneLine } from './faults.ts';
import { type Constants, type Kernel, sourceLine } from './kernel.ts';
import { pollWithBackoff } from './poll_with_backoff.ts';

/** What a device has compiled: each kernel's module and layout once, a pipeline for each set of constants. */
export class Pipelines {
  private readonly modules = new Map<Kernel, GPUShaderModule>();
  private readonly layouts = new Map<Kernel, GPUBindGroupLayout>();
  private readonly made = new Map<string, Promise<GPUComputePipeline>>();

  constructor(private readonly device: GPUDevice) {}

  /** The layout of a kernel's bindings, as reflection found them. */
  layout(kernel: Kernel): GPUBindGroupLayout {
    let layout = this.layouts.get(kernel);
    if (!layout) {
      const types = { uniform: 'uniform', read: 'read-only-storage', read_write: 'storage' } as const;
      layout = this.device.createBindGroupLayout({
        label: kernel.name,
        entries: kernel.bindings.map(({ binding, access }) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: types[access] },
        })),
      });
      this.layouts.set(kernel, layout);
    }
    return layout;
  }

  /** The pipeline of a kernel with these constants, compiled once. UserError with file and line if Dawn refuses it. */
  get(kernel: Kernel, constants: Constants = {}): Promise<GPUComputePipeline> {
    const key = `${kernel.name} ${JSON.stringify(Object.entries(constants).sort())}`;
    let pipeline = this.made.get(key);
    if (!pipeline) {
      pipeline = this.create(kernel, constants, key);
      this.made.set(key, pipeline);
    }
    return pipeline;
  }

  /** Kernels and constants that were compiled so far: `<kernel> [[name, value], …]`. */
  get compiled(): string[] {
    return [...this.made.keys()];
  }

  private async create(kernel: Kernel, constants: Constants, label: string): Promise<GPUComputePipeline> {
    const { device } = this;
    let module = this.modules.get(kernel);
    device.pushErrorScope('validation');
    if (!module) {
      module = device.createShaderModule({ label: kernel.name, code: kernel.code });
      this.modules.set(kernel, module);
    }
    const pipeline = device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ label: kernel.name, bindGroupLayouts: [this.layout(kernel)] }),
      compute: { module, entryPoint: 'main', constants },
    });
    const [info, result, error] = await pollWithBackoff(
      Promise.all([
        module.getCompilationInfo(),
        pipeline.catch((reason: unknown) => messageOf(reason)),
        device.popErrorScope(),
      ]),
    );
    const fault = info.messages.find((message) => message.type === 'error');
    if (fault) throw new UserError(`${sourceLine(kernel, fault.lineNum)}: ${firstLine(fault.message)} (in ${label})`);
    if (typeof result === 'string')
      throw new UserError(`kernels/${kernel.name}.wgsl: ${oneLine(result)} (in ${label})`);
    if (error) throw describeError(error);
    return result;
  }
}
