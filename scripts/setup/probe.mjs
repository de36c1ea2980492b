/**
 * Looks for WebGPU adapters and runs one small shader. A process of its own, because a broken driver may crash or hang,
 * and because the Vulkan loader reads its environment only once.
 *
 * Argument: JSON, `Drivers` of adapter.mjs; the environment names their descriptions.
 * Output: one line of JSON, a `ProbeResult` of adapter.mjs.
 */
import os from 'node:os';
import process from 'node:process';

/** glibc's RTLD_NODELETE, which Node does not name: without it Node unloads a library that is no add-on of its own. */
const keepLoaded = 0x1000;

/** @param {string} library a path or a name that the system's search finds @returns {boolean} whether it is loaded */
function load(library) {
  try {
    process.dlopen(
      { exports: {} },
      library,
      os.constants.dlopen.RTLD_NOW | os.constants.dlopen.RTLD_GLOBAL | keepLoaded,
    );
    return true;
  } catch (error) {
    // "Module did not self-register" comes after the library was loaded; anything else before.
    return /self-register/.test(String(error));
  }
}

/** Dawn's instances: one that is collected as garbage takes its adapters and devices with it, or hangs. */
const instances = [];

/** @param {any} create Dawn's entry point @param {string[]} options @returns {Promise<GPUAdapter | null>} */
function requestAdapter(create, options) {
  const gpu = create(options);
  instances.push(gpu);
  return gpu.requestAdapter();
}

/** @param {any} create Dawn's entry point @returns {Promise<string[]>} names, from the error for a name that none has */
async function listAdapters(create) {
  try {
    await requestAdapter(create, ['adapter=no adapter has this name']);
    return [];
  } catch (error) {
    const names = [...String(error).matchAll(/name: '([^']*)'/g)].map((match) => match[1]);
    return [...new Set(names)];
  }
}

/** @param {GPUAdapter} adapter @returns {Promise<boolean>} whether a shader runs there and gives the right result */
async function computes(adapter) {
  const device = await adapter.requestDevice();
  const code = `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = id.x * 3u; }`;
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const y = device.createBuffer({ size: 256, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const copy = device.createBuffer({ size: 256, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const layout = pipeline.getBindGroupLayout(0);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: y } }] }));
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(y, 0, copy, 0, 256);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(GPUMapMode.READ);
  return new Uint32Array(copy.getMappedRange()).every((value, i) => value === i * 3);
}

async function probe() {
  const { loader, libraries } = JSON.parse(process.argv[2]);
  libraries.forEach(load);
  // The first library of this name that is loaded is the one that Dawn gets.
  const systemLoader = loader ? false : process.platform !== 'linux' || load('libvulkan.so.1');
  if (loader) load(loader);
  const { create, globals } = await import('webgpu').catch((error) => {
    throw new Error(`the npm package webgpu does not load: ${error.message}`, { cause: 'package' });
  });
  Object.assign(globalThis, globals);
  const adapters = await listAdapters(create);
  const hardware = adapters.find((name) => !/llvmpipe|swiftshader|softpipe|basic render/i.test(name));
  const adapter = await requestAdapter(create, hardware ? [`adapter=${hardware}`] : []);
  const works = adapter ? await computes(adapter) : false;
  return { works, hardware: works && hardware !== undefined, adapters, systemLoader };
}

const result = await probe().catch((error) => ({
  works: false,
  hardware: false,
  adapters: [],
  systemLoader: false,
  error: error.message,
  packageFails: error.cause === 'package',
}));
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
