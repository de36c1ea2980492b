import { expect } from 'vitest';
import { constant } from '../../src/graph/trace.ts';
import { augment, jitterOperations, packAugmentParameters, type ViewParameters } from '../../src/ops/augment.ts';
import { packedWords } from '../../src/ops/gather_images.ts';
import { channelsLast, expectClose, type GoldenCheck, type GoldenFile, run, type Values } from './harness.ts';

type Crop = ViewParameters['crop'];

/** What makes a tensor of the file from its image; each is made from the whole image alone. */
interface View {
  readonly name: string;
  readonly parameters: ViewParameters;
  readonly antialias?: boolean;
  readonly blurKernel?: number;
  readonly tolerance: number;
}

/** Positions in the image are off by 4e-6 of a pixel in f32, and neighbours may differ by the whole range. */
const resampled = 2e-5;
/** A handful of f32 operations on numbers up to 1; hue multiplies by 6 first. */
const pointwise = 2e-6;

function viewOf(name: string, whole: Crop, file: GoldenFile): View {
  const factors = file.json<Record<string, number>>('factors');
  const view = (parameters: Partial<ViewParameters>, tolerance: number, more: Partial<View> = {}): View => ({
    name,
    parameters: { crop: whole, ...parameters },
    tolerance,
    ...more,
  });
  const jitter = jitterOperations.find((operation) => operation === name);
  if (jitter) return view({ [jitter]: factors[jitter] }, pointwise);
  const blur = /^gaussian_blur_k(\d+)$/.exec(name);
  if (blur) return view({ sigma: factors['blur_sigma'] }, pointwise, { blurKernel: Number(blur[1]) });
  if (name === 'resized_crop') return view({ crop: file.json<Crop>('crop_top_left_h_w') }, resampled);
  if (name === 'hflip') return view({ flip: true }, pointwise);
  if (name === 'grayscale') return view({ grayscale: true }, pointwise);
  if (/^resize_.*antialias$/.test(name)) return view({}, resampled, { antialias: true });
  throw new Error(`this test does not know how '${name}' is made`);
}

const check: GoldenCheck = async (file, device) => {
  const image = channelsLast(batched(file.get('image_u8')));
  const [, height, width] = image.shape;
  const bytes = new Uint8Array(packedWords({ height, width }) * 4);
  bytes.set(image.data);
  const packed = constant('image', new Uint32Array(bytes.buffer), [1, bytes.length / 4]);
  const names = file.names.filter((name) => name !== 'image_u8');
  for (const name of names) {
    const { parameters, tolerance, antialias = false, blurKernel = 3 } = viewOf(name, [0, 0, height, width], file);
    const expected = channelsLast(batched(file.get(name)));
    const [, size] = expected.shape;
    expect(expected.shape, `${name}: views are square`).toEqual([1, size, size, 3]);
    const colours = { mean: [0, 0, 0], std: [1, 1, 1] } as const;
    const row = constant('parameters', packAugmentParameters(parameters), [1, 16]);
    const options = { height, width, size, antialias, blurKernel, ...colours };
    const { view } = await run(device, () => ({ view: augment(packed, row, options) }));
    const rgb = Float32Array.from({ length: size * size * 3 }, (_, i) => view[Math.floor(i / 3) * 4 + (i % 3)]);
    expectClose(name, rgb, expected, tolerance);
  }
  return undefined;
};

const batched = ({ shape, data }: Values): Values => ({ shape: [1, ...shape], data });

export default check;
