import { create, globals } from 'webgpu';
import { messageOf, UserError } from '../errors.ts';
import { useInstalledDrivers } from './drivers.ts';
import { NoAdapter } from './faults.ts';
import type { AdapterChoice, FoundAdapter } from './found_adapter.ts';
import { withoutHarmlessMessages } from './quiet.ts';

Object.assign(globalThis, globals);

const enabledToggles = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia'];
const disabledToggles = ['timestamp_quantization'];
const dawnArguments = (extra: string[]): string[] => [
  `enable-dawn-features=${enabledToggles.join(',')}`,
  `disable-dawn-features=${disabledToggles.join(',')}`,
  ...extra,
];

/** Instances that are in use: Dawn ends when one is collected, requests under way included, and keeps Node alive until then. */
const instances = new Set<GPU>();

/** A Dawn instance, held until it is let go. */
function openInstance(argument: string): GPU {
  const instance = create(dawnArguments([argument]));
  instances.add(instance);
  return instance;
}

const letGo = (instance: GPU): boolean => instances.delete(instance);

/** Names of the adapters that Dawn finds, hardware first, then the faster software rasteriser. */
export async function listAdapters(): Promise<string[]> {
  useInstalledDrivers();
  // Dawn lists its adapters only in the error for a name that no adapter has.
  const error = await withoutHarmlessMessages(async () => {
    const instance = openInstance('adapter=no adapter has this name');
    try {
      await instance.requestAdapter();
      return '';
    } catch (error) {
      return messageOf(error);
    } finally {
      letGo(instance);
    }
  });
  const names = [...error.matchAll(/name: '([^']*)'/g)].map((match) => match[1]);
  const rank = (name: string) => (/swiftshader/i.test(name) ? 2 : isSoftware(name) ? 1 : 0);
  return [...new Set(names)].sort((a, b) => rank(a) - rank(b));
}

const isSoftware = (name: string): boolean => /llvmpipe|lavapipe|swiftshader|basic render|null-backend/i.test(name);

const noAdapter = `no WebGPU adapter was found. With a GPU, install its Vulkan driver (docs/offline.md lists the usual gaps); without one, 'npm run setup' downloads a software Vulkan driver`;

/** The name of the adapter to open: the first, or the first that has `wanted` in its name. */
async function chooseAdapter(wanted: string | undefined): Promise<string> {
  const names = await listAdapters();
  if (names.length === 0) throw new NoAdapter(noAdapter);
  if (wanted === undefined) return names[0];
  const found = names.find((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  if (found === undefined) {
    throw new UserError(
      `no adapter has '${wanted}' in its name; available: ${names.map((name) => `'${name}'`).join(', ')}`,
    );
  }
  return found;
}

/**
 * Finds the adapter that is asked for and hands it to `use`, which opens a device of it.
 * @throws UserError there is none, or none of that name
 */
export function withAdapter<T>(
  { adapter: wanted, nullBackend = false }: AdapterChoice,
  use: (found: FoundAdapter) => Promise<T>,
): Promise<T> {
  return withoutHarmlessMessages(async () => {
    const name = nullBackend ? 'null-backend' : await chooseAdapter(wanted);
    const instance = openInstance(nullBackend ? 'backend=null' : `adapter=${name}`);
    const adapter = await instance.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) throw new NoAdapter(noAdapter);
    const software = isSoftware(name) || adapter.info.isFallbackAdapter;
    return use({ adapter, name, software, letGo: () => letGo(instance) });
  });
}
