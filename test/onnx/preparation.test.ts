/** Models that prepare pictures themselves: as the program decodes them, to the size and the colours of training. */
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePhoto } from '../../src/data/decode.ts';
import { GraphBuilder } from '../../src/onnx/builder.ts';
import { inputPort, type ModelInput, preparedImages } from '../../src/onnx/preparation.ts';
import { scratchFolder } from '../cli/run.ts';
import { onnxruntime } from '../packages.ts';
import { lowbias32 } from '../values.ts';
import { floatsOf, runModel } from './harness.ts';

const folder = scratchFolder();
/** Colours that leave bytes as they are. */
const plain = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const;

/** A model of nothing but preparation. */
function modelOf(kind: ModelInput, imageSize: number, colours: Pick<Parameters<typeof inputPort>[2], 'mean' | 'std'>) {
  const graph = new GraphBuilder();
  const how = { imageSize, ...colours };
  const port = inputPort(graph.input('pictures'), kind, how);
  graph.output(preparedImages(graph, port.name, kind, how), 'images');
  const output = { name: 'images', type: 'float', shape: ['batch', 3, imageSize, imageSize] } as const;
  return graph.encode('preparation', [port], [output]);
}

/** A picture with soft and hard edges: waves, a disc and some noise. RGB, row by row. */
function picture(width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const [c, x, y] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / (3 * width))];
    const inDisc = Math.hypot(x - width / 3, y - height / 2) < Math.min(width, height) / 4;
    const wave = 90 + 60 * Math.sin((x * (c + 1)) / 17) * Math.cos(y / 11);
    return wave + (inDisc ? 70 : 0) + (lowbias32(i) % 20);
  });
}

/** The same as planes, and as the program decodes it, from a file without loss. */
async function both(width: number, height: number, size: number) {
  const pixels = picture(width, height);
  const file = join(folder, `${width}x${height}.png`);
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file);
  return { planes: toPlanes(pixels), decoded: toPlanes(await decodePhoto(file, size)) };
}

const toPlanes = (pixels: Uint8Array): Uint8Array =>
  Uint8Array.from(pixels, (_, i) => pixels[3 * (i % (pixels.length / 3)) + Math.floor((3 * i) / pixels.length)]);

const differences = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  const all = Array.from(a, (value, i) => Math.abs(value - b[i]));
  return { mean: all.reduce((sum, value) => sum + value, 0) / all.length, most: Math.max(...all) };
};

describe.skipIf(!onnxruntime)('pictures of another size', () => {
  it.each([
    { width: 97, height: 61, size: 32 },
    { width: 61, height: 98, size: 32 },
    { width: 400, height: 301, size: 32 },
    { width: 33, height: 32, size: 32 },
    { width: 64, height: 64, size: 48 },
    // They grow.
    { width: 20, height: 27, size: 48 },
    { width: 70, height: 41, size: 47 },
    { width: 1, height: 1, size: 16 },
  ])('$width × $height to $size', async ({ width, height, size }) => {
    const { planes, decoded } = await both(width, height, size);
    const resized = await runModel(modelOf('bytes', size, plain), planes, [height, width]);
    const { mean, most } = differences(resized, decoded);
    // libvips rounds between the axes, has steps of 1/64, and averages blocks first where a picture shrinks a lot.
    expect.soft(mean).toBeLessThan(0.7);
    expect.soft(most).toBeLessThanOrEqual(4);
  });
});

it.skipIf(!onnxruntime)('a picture of the right size keeps every byte', async () => {
  const planes = toPlanes(picture(40, 40));
  expect([...(await runModel(modelOf('bytes', 40, plain), planes, [40, 40]))].map(Math.round)).toEqual([...planes]);
});

it.skipIf(!onnxruntime)('colours are normalised, of bytes and of numbers from 0 to 1', async () => {
  const planes = toPlanes(picture(24, 24));
  const how = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;
  const expected = floatsOf(planes, 24, how);
  const bytes = await runModel(modelOf('bytes', 24, how), planes, [24, 24]);
  const unit = await runModel(modelOf('unit', 24, how), floatsOf(planes, 24), [24, 24]);
  expect(differences(bytes, expected).most).toBeLessThan(1e-5);
  expect(differences(unit, expected).most).toBeLessThan(1e-4);
});
