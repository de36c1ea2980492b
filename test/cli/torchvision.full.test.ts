/** Encoders of every architecture in torchvision's own networks: the same features, in inference and in training mode. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it, vi } from 'vitest';
import { loadPhotos } from '../../src/data/folder.ts';
import { imagenetColours } from '../../src/data/preparation.ts';
import { hostImages } from '../../src/data/source.ts';
import { Gpu } from '../../src/gpu/device.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { input, trace } from '../../src/graph/trace.ts';
import { encodeNpy } from '../../src/io/npy.ts';
import { ResNet, resnetNames } from '../../src/nn/resnet.ts';
import { entriesOf } from '../../src/nn/state_dict.ts';
import { preprocess } from '../../src/ops/augment.ts';
import { saveEncoder } from '../../src/train/export.ts';
import { resnet18 } from '../networks.ts';
import { adapters, noise } from '../ops/harness.ts';
import { drawnPhotos } from './photos.ts';
import { run, scratchFolder } from './run.ts';

vi.setConfig({ testTimeout: 600_000 });

const folder = scratchFolder();
const preparation = { imageSize: 64, ...imagenetColours } as const;

const python = ['python3', '/usr/bin/python3'].find((name) => {
  try {
    execFileSync(name, ['-c', 'import torch, torchvision, numpy'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

it.skipIf(!python).each(resnetNames)(
  `torchvision loads an exported %s and gives the same features${python ? '' : ' (skipped: no python3 with torchvision here)'}`,
  async (architecture) => {
    const at = (name: string) => join(folder, `${architecture}-${name}`);
    const photos = drawnPhotos(at('photos'), 16, preparation.imageSize);
    const gpu = await Gpu.open({ adapter: adapters[0] });
    const state = new State(gpu);
    const model = new ResNet({ ...resnet18, architecture });
    disturbNorms(state, model);
    await saveEncoder(state, model, at('encoder.safetensors'), preparation);
    const trained = await trainingFeatures(state, model, photos);
    writeFileSync(at('trained.npy'), encodeNpy(trained, [16, model.dimensions]));
    state.destroy();
    gpu.destroy();

    const [encoder, out] = [at('encoder.safetensors'), at('features.npy')];
    const options = ['--adapter', adapters[0], '--out', out];
    const { code, err } = await run('embed', '--checkpoint', encoder, '--data', photos, ...options);
    expect(code, err).toBe(0);
    const script = resolve('test/cli/torchvision_features.py');
    const printed = execFileSync(python!, [script, encoder, photos, out, at('trained.npy')], { encoding: 'utf8' });
    const errors = printed.trim().split('\n').map(Number);
    expect(errors).toHaveLength(2);
    for (const error of errors) expect(error).toBeLessThan(1e-3);
  },
);

/** Gives batch norms weights, biases and running statistics that are not 1 and 0, so that it shows where one is not read. */
function disturbNorms(state: State, encoder: ResNet): void {
  for (const [i, { tensor }] of entriesOf(encoder).entries()) {
    if (tensor.shape.length > 1) continue;
    const centre = /bias|running_mean/.test(tensor.name) ? 0 : 1;
    state.write(tensor, noise(tensor.size, i, 0.3, centre));
  }
}

/** Features of all photos as one batch, which batch norm takes its statistics of. */
async function trainingFeatures(state: State, encoder: ResNet, photos: string): Promise<Float32Array> {
  const { imageSize: size, mean, std } = preparation;
  const set = await loadPhotos(photos, { size });
  const source = hostImages(set);
  const { graph, result } = trace(() => {
    const images = source.images(input('indices', [set.count], 'u32'));
    const x = preprocess(images, { height: set.height, width: set.width, size, mean, std });
    return { features: encoder.forward(x, { training: true }) };
  });
  const program = await Program.compile(graph, state, result);
  const indices = Uint32Array.from({ length: set.count }, (_, i) => i);
  const { features } = await program.run(source.inputs(indices)).read();
  program.destroy();
  return features as Float32Array;
}
