import type { Gpu } from '../gpu/device.ts';
import type { PlannedLaunch } from './plan.ts';
import type { Shared } from './tensor.ts';

/** A submission holds about this much work, so that no driver's watchdog mistakes it for a hang. */
const flopsPerSubmit = 2e11;

export interface Dispatch {
  readonly launch: PlannedLaunch;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
}

/** The dispatches of one submission, laid out so that encoding them makes nothing new: a step has hundreds. */
export class Submission {
  private readonly pipelines: GPUComputePipeline[] = [];
  private readonly bindGroups: GPUBindGroup[] = [];
  private readonly workgroups: Uint32Array;
  /** What processes do behind it, where they share the run. */
  readonly shared: Shared | undefined;

  constructor(dispatches: readonly Dispatch[]) {
    this.shared = dispatches.at(-1)?.launch.shared;
    this.workgroups = Uint32Array.from(dispatches.flatMap(({ launch }) => launch.workgroups));
    for (const { pipeline, bindGroup } of dispatches) {
      this.pipelines.push(pipeline);
      this.bindGroups.push(bindGroup);
    }
  }

  /** One compute pass with all of them; a kernel that runs again is not set again. */
  encode(gpu: Gpu, encoder: GPUCommandEncoder): void {
    const { pipelines, bindGroups, workgroups } = this;
    const pass = encoder.beginComputePass({ label: 'run', timestampWrites: gpu.passTimer?.next() });
    for (let i = 0; i < pipelines.length; i++) {
      if (i === 0 || pipelines[i] !== pipelines[i - 1]) pass.setPipeline(pipelines[i]);
      pass.setBindGroup(0, bindGroups[i]);
      pass.dispatchWorkgroups(workgroups[3 * i], workgroups[3 * i + 1], workgroups[3 * i + 2]);
    }
    pass.end();
  }
}

/** Dispatches in the submissions that a run makes of them: at least one, if only for the copies behind it. What is shared ends one. */
export function submissions(dispatches: readonly Dispatch[]): Submission[] {
  const parts: Dispatch[][] = [[]];
  let flops = 0;
  for (const [index, dispatch] of dispatches.entries()) {
    flops += dispatch.launch.flops ?? 0;
    const full = flops > flopsPerSubmit || dispatches[index - 1]?.launch.shared !== undefined;
    if (full && parts.at(-1)!.length > 0) {
      parts.push([]);
      flops = dispatch.launch.flops ?? 0;
    }
    parts.at(-1)!.push(dispatch);
  }
  return parts.map((part) => new Submission(part));
}
