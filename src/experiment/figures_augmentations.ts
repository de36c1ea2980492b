/** Each part of the augmentation alone, at the upper end of what training draws: computed by the kernels that training uses. */
import type { ImageSet } from '../data/images.ts';
import { hostImages } from '../data/source.ts';
import type { Gpu } from '../gpu/device.ts';
import { Program } from '../graph/program.ts';
import { State } from '../graph/state.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant, input, trace } from '../graph/trace.ts';
import { augment, packAugmentParameters, type ViewParameters } from '../ops/augment.ts';
import { type OperationName, packOperation } from '../ops/augment_operations.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { cutmix, cutmixBox, mixup } from '../ssl/mixing.ts';
import { toPixels } from '../ssl/pixels.ts';
import { magnitudeOf } from '../ssl/policies.ts';
import { blurKernel } from '../ssl/views.ts';
import type { TrainSettings } from '../train/settings.ts';
import { distinct, type Named } from './figures_views.ts';

export interface AugmentationStep extends Named {
  /** What is shown, as far as a number says it. */
  readonly note: string;
}

/** How a picture of the figure is made: as a view, by an operation, or of two originals. */
interface Part {
  readonly name: string;
  readonly note: string;
  readonly parameters?: Omit<ViewParameters, 'crop'> & Partial<Pick<ViewParameters, 'crop'>>;
  readonly operation?: readonly [name: OperationName, magnitude?: number, place?: readonly [number, number]];
}

/** Crop, flip, the jitter's parts, greyscale, blur and solarisation. */
function viewParts({ height, width }: ImageSet, { jitterStrength }: TrainSettings): Part[] {
  const quarter = [height / 4, width / 4, height / 2, width / 2].map(Math.floor) as [number, number, number, number];
  const factor = 1 + 0.8 * jitterStrength;
  const hue = 0.2 * jitterStrength;
  const sigma = 2;
  return [
    { name: 'original', note: '' },
    { name: 'crop', note: '25 % of the area', parameters: { crop: quarter } },
    { name: 'flip', note: 'horizontal', parameters: { flip: true } },
    { name: 'brightness', note: `× ${factor}`, parameters: { brightness: factor } },
    { name: 'contrast', note: `× ${factor}`, parameters: { contrast: factor } },
    { name: 'saturation', note: `× ${factor}`, parameters: { saturation: factor } },
    { name: 'hue', note: `+ ${Number(hue.toFixed(3))} turn`, parameters: { hue } },
    { name: 'greyscale', note: '', parameters: { grayscale: true } },
    { name: 'blur', note: `σ ${sigma} px`, parameters: { sigma } },
    { name: 'solarisation', note: 'from 1/2', parameters: { solarize: true } },
  ];
}

/** The operations of policies at all of their range (RandAugment's at its magnitude, where that is the policy), turns, cutout, noise. */
function operationParts({ imageSize: size, policy, randMagnitude, noiseStd }: TrainSettings): Part[] {
  const share = policy === 'randaugment' ? randMagnitude / 30 : 1;
  const ranged = (name: OperationName, note: (magnitude: number) => string): Part => {
    const magnitude = magnitudeOf(name, share, size);
    return { name: name.replace('_', ' '), note: note(Number(magnitude.toFixed(3))), operation: [name, magnitude] };
  };
  const factor = (magnitude: number) => `× ${Number((1 + magnitude).toFixed(3))}`;
  return [
    ...(['shear_x', 'shear_y'] as const).map((name) => ranged(name, (m) => `by ${m}`)),
    ...(['translate_x', 'translate_y'] as const).map((name) => ranged(name, (m) => `${m} px`)),
    ranged('rotate', (m) => `${m}°`),
    ranged('sharpness', factor),
    ranged('posterize', (m) => `${m} bits`),
    ranged('solarize', (m) => `from ${m}`),
    { name: 'solarize add', note: '110 below 128', operation: ['solarize_add', 110] },
    { name: 'auto contrast', note: '', operation: ['auto_contrast'] },
    { name: 'equalize', note: '', operation: ['equalize'] },
    { name: 'invert', note: '', operation: ['invert'] },
    { name: 'turn', note: '90°', operation: ['turn', 1] },
    { name: 'cutout', note: 'half the side', operation: ['cutout', Math.floor(size / 2), [0.6, 0.5]] },
    { name: 'noise', note: `σ ${noiseStd}`, operation: ['noise', noiseStd, [0.5, 0.5]] },
  ];
}

/** Originals [n, size, size, 4], each mixed with the next. */
function mixedParts(originals: Tensor): Record<string, Tensor> {
  const [count, size] = originals.shape;
  const next = Uint32Array.from({ length: count }, (_, i) => (i + 1) % count);
  const other = gatherRows(originals, constant('next', next));
  const number = (name: string, value: number) => constant(name, Float32Array.of(value));
  const box = cutmixBox(size, 0.75, Math.floor(size / 2), Math.floor(size / 2));
  return {
    mixup: mixup(originals, other, number('share', 0.5)),
    cutmix: cutmix(originals, other, {
      ...{ left: number('left', box.left), top: number('top', box.top) },
      ...{ right: number('right', box.right), bottom: number('bottom', box.bottom) },
    }),
  };
}

/** Each part of the augmentation alone, on one image of each of the first `most` classes. */
export async function augmentationsOneByOne(
  gpu: Gpu,
  set: ImageSet,
  settings: TrainSettings,
  most = 3,
): Promise<AugmentationStep[]> {
  const indices = distinct(set, most);
  const { height, width } = set;
  const size = settings.imageSize;
  const parts = [...viewParts(set, settings), ...operationParts(settings)];
  const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const;
  const rowsOf = (name: string, row: (part: Part) => ArrayLike<number>) => {
    const rows = parts.flatMap((part) => Array.from(indices, () => Array.from(row(part))));
    return constant(name, Float32Array.from(rows.flat()), [rows.length, rows[0].length]);
  };
  const state = new State(gpu);
  const source = hostImages(set);
  const { graph, result } = trace(() => {
    const images = source.images(input('indices', [indices.length], 'u32'));
    const parameters = rowsOf('one by one', (part) =>
      packAugmentParameters({ crop: [0, 0, height, width], ...part.parameters }),
    );
    const operations = rowsOf('operations', ({ operation = ['identity'] }) => packOperation(...operation));
    const options = { height, width, size, blurKernel: blurKernel(size), ...plain, antialias: true };
    const whole = constant(
      'whole',
      Float32Array.from(Array.from(indices, () => [...packAugmentParameters({ crop: [0, 0, height, width] })]).flat()),
      [indices.length, 16],
    );
    return {
      views: augment(images, parameters, options, operations),
      ...mixedParts(augment(images, whole, options)),
    };
  });
  const program = await Program.compile(graph, state, result);
  const { views, ...mixed } = await program.run({ indices, ...source.inputs(indices) }).read();
  program.destroy();
  state.destroy();
  const pixels = (values: unknown) => toPixels(values as Float32Array, size, plain).map(({ rgb }) => rgb);
  const pictures = pixels(views);
  return [
    ...parts.map(({ name, note }, i) => {
      const images = pictures.slice(i * indices.length, (i + 1) * indices.length);
      return { name, note, images };
    }),
    ...Object.entries(mixed).map(([name, values]) => {
      const note = name === 'mixup' ? 'half and half' : 'a quarter';
      return { name, note, images: pixels(values) };
    }),
  ];
}
