/** `adapters.ts` for browsers, which have one adapter or none, and choose it themselves. */
import type * as twin from './adapters.ts';
import { NoAdapter } from './faults.ts';

/** The browser's way to the GPU; undefined where it has none, and in pages that are not from https or this machine. */
const browserGpu = (): GPU | undefined => (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;

const isSecure = (): boolean => (globalThis as { isSecureContext?: boolean }).isSecureContext ?? true;

/** What browsers tell of an adapter differs: the first of these that says something. Firefox tells no more than whether it is software. */
const nameOf = ({ description, device, architecture, vendor, isFallbackAdapter }: GPUAdapterInfo): string =>
  description ||
  device ||
  [vendor, architecture].filter(Boolean).join(' ') ||
  (isFallbackAdapter ? 'software rasteriser' : 'GPU');

const isSoftware = ({ info }: GPUAdapter): boolean =>
  info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${nameOf(info)} ${info.architecture}`);

async function requestAdapter(): Promise<GPUAdapter> {
  const gpu = browserGpu();
  if (!gpu)
    throw new NoAdapter(
      isSecure()
        ? 'this browser has no WebGPU, or has it switched off; use a present Chrome, Edge, Safari or Firefox'
        : 'WebGPU is there only for pages from https or from this machine; open the page from such an address',
    );
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter) return adapter;
  throw new NoAdapter(
    'the browser has WebGPU but found no GPU that it works with; update the graphics driver, or see what chrome://gpu or about:support says of it',
  );
}

export const listAdapters: typeof twin.listAdapters = async () => [nameOf((await requestAdapter()).info)];

/** @throws UserError the browser has no WebGPU, or no adapter */
export const withAdapter: typeof twin.withAdapter = async (_choice, use) => {
  const adapter = await requestAdapter();
  return use({ adapter, name: nameOf(adapter.info), software: isSoftware(adapter), letGo: () => {} });
};
