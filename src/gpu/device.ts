import { messageOf, type UserError } from '../errors.ts';
import { withAdapter } from './adapters.ts';
import { DeviceLost, describeError, OutOfMemory, oneLine, outOfMemory } from './faults.ts';
import type { AdapterChoice, FoundAdapter } from './found_adapter.ts';
import { Pipelines } from './pipelines.ts';
import { pollWithBackoff } from './poll_with_backoff.ts';

/** A product of fragments that the matrix units of a device compute: M × K by K × N, and the types of factors and of sums. */
export interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** Where the next pass writes its time stamps. */
export interface PassTimer {
  next(): GPUComputePassTimestampWrites | undefined;
}

/** What kernels are chosen by: facts of the device, no handles. */
export interface DeviceTraits {
  readonly adapter: string;
  readonly vendor: string;
  /** A software rasteriser: barriers are dear there, tiles in workgroup memory do not pay. */
  readonly software: boolean;
  readonly subgroupMinSize: number;
  readonly subgroupMaxSize: number;
  /** What the driver says that its matrix units can do; empty without 'chromium-experimental-subgroup-matrix'. */
  readonly matrixConfigs: readonly MatrixConfig[];
  readonly features: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, number>>;
}

/** What Dawn tells of an adapter beyond the standard. */
interface AdapterInfo extends GPUAdapterInfo {
  readonly subgroupMatrixConfigs?: Iterable<MatrixConfig>;
}

const matrixConfigs = ({ subgroupMatrixConfigs = [] }: AdapterInfo): MatrixConfig[] =>
  Array.from(subgroupMatrixConfigs, ({ componentType, resultComponentType, M, N, K }) => ({
    componentType,
    resultComponentType,
    M,
    N,
    K,
  }));

export interface OpenOptions extends AdapterChoice {
  /** Features to leave out although the adapter has them: tests run the portable twins of fast kernels so. */
  readonly without?: readonly string[];
}

const matrixFeature = 'chromium-experimental-subgroup-matrix';
const wantedFeatures = ['timestamp-query', 'subgroups', 'shader-f16', matrixFeature];
const wantedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
] as const;

/**
 * A device with its pipelines and its account of memory. Everything that it makes carries a label; an error of the device
 * (validation, out of memory, loss) is kept in `failure` and thrown by the next `check()`.
 */
export class Gpu {
  readonly pipelines: Pipelines;
  private free: GPUBuffer[] = [];
  /** Bytes in buffers now, and the most there were. */
  bytes = 0;
  highWater = 0;
  /** Set while somebody measures when the device works: gives every pass of a run its time stamps. */
  passTimer: PassTimer | undefined;
  failure: UserError | undefined;

  private constructor(
    private readonly found: FoundAdapter,
    readonly device: GPUDevice,
    readonly traits: DeviceTraits,
  ) {
    this.pipelines = new Pipelines(device);
    device.onuncapturederror = ({ error }) => {
      this.failure ??= describeError(error);
    };
    void device.lost.then(({ reason, message }) => {
      if (reason !== 'destroyed') this.failure ??= new DeviceLost(oneLine(message));
    });
  }

  /** Opens an adapter with every feature and limit that the kernels can use. UserError: none there, or none of that name. */
  static open(options: OpenOptions = {}): Promise<Gpu> {
    return withAdapter(options, (found) => Gpu.openDevice(found, options));
  }

  private static async openDevice(found: FoundAdapter, options: OpenOptions): Promise<Gpu> {
    const { adapter, name, software } = found;
    const limits = Object.fromEntries(wantedLimits.map((limit) => [limit, adapter.limits[limit]]));
    const features = wantedFeatures.filter(
      (feature) => adapter.features.has(feature as GPUFeatureName) && !options.without?.includes(feature),
    );
    const device = await adapter.requestDevice({
      label: 'simclr-webgpu',
      requiredFeatures: features as GPUFeatureName[],
      requiredLimits: limits,
    });
    const info: AdapterInfo = adapter.info;
    return new Gpu(found, device, {
      adapter: name,
      vendor: info.vendor,
      software,
      subgroupMinSize: info.subgroupMinSize ?? 4,
      subgroupMaxSize: info.subgroupMaxSize ?? 128,
      matrixConfigs: features.includes(matrixFeature) ? matrixConfigs(info) : [],
      features: new Set(features),
      limits,
    });
  }

  get adapter(): GPUAdapter {
    return this.found.adapter;
  }

  /** Throws what the device reported since the last call, as one line. */
  check(): void {
    if (this.failure) throw this.failure;
  }

  /** Forgets a failure after which the device goes on: of memory that it did not have. What needed it must not be used. */
  recover(): void {
    if (this.failure instanceof OutOfMemory) this.failure = undefined;
  }

  /** A zeroed buffer, taken from the pool of released ones where one of this very size and usage is there. */
  createBuffer(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer {
    const reused = this.free.findIndex((buffer) => buffer.size === size && buffer.usage === usage);
    if (reused >= 0) {
      const [buffer] = this.free.splice(reused, 1);
      const encoder = this.device.createCommandEncoder({ label: `clear ${label}` });
      encoder.clearBuffer(buffer);
      this.device.queue.submit([encoder.finish()]);
      return buffer;
    }
    const { maxBufferSize } = this.traits.limits;
    if (size > maxBufferSize) {
      throw new OutOfMemory(
        `${label} needs a buffer of ${size} bytes, but '${this.traits.adapter}' allows at most ${maxBufferSize}; use a smaller --batch-size or --image-size, or micro-batches (--micro-batch)`,
      );
    }
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.device.createBuffer({ label, size, usage });
    void this.device.popErrorScope().then((error) => {
      if (error) this.failure ??= outOfMemory(label, size);
    });
    this.bytes += size;
    this.highWater = Math.max(this.highWater, this.bytes);
    return buffer;
  }

  /** Gives a buffer back to the pool, for the next program. */
  release(buffer: GPUBuffer): void {
    this.free.push(buffer);
  }

  /** Destroys what the pool holds. */
  trim(): void {
    for (const buffer of this.free) this.destroyBuffer(buffer);
    this.free = [];
  }

  destroyBuffer(buffer: GPUBuffer): void {
    this.bytes -= buffer.size;
    buffer.destroy();
  }

  /** Copies bytes back to the CPU: for tests and tools; programs read their outputs through a ring. */
  async readBuffer(buffer: GPUBuffer, offset = 0, size = buffer.size - offset): Promise<ArrayBuffer> {
    const staging = this.device.createBuffer({
      label: 'read back',
      size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    const encoder = this.device.createCommandEncoder({ label: 'read back' });
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, size);
    this.device.queue.submit([encoder.finish()]);
    await this.mapForReading(staging);
    const bytes = staging.getMappedRange().slice(0);
    staging.destroy();
    return bytes;
  }

  /** Waits until a buffer's bytes can be read. UserError: the device was lost, or reported a fault, before they could. */
  async mapForReading(buffer: GPUBuffer): Promise<void> {
    try {
      await pollWithBackoff(buffer.mapAsync(GPUMapMode.READ));
    } catch (error) {
      // What happened is reported beside the refusal, by an event that needs its turn.
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw this.failure ?? new DeviceLost(oneLine(messageOf(error)) || 'it was destroyed');
    }
    this.check();
  }

  /** Waits until the device has done all that was submitted. UserError: it reported a fault. */
  async finish(): Promise<void> {
    await pollWithBackoff(this.device.queue.onSubmittedWorkDone());
    this.check();
  }

  destroy(): void {
    this.trim();
    this.device.destroy();
    this.found.letGo();
  }
}
