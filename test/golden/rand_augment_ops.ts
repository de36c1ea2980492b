import { constant } from '../../src/graph/trace.ts';
import { augment, packAugmentParameters } from '../../src/ops/augment.ts';
import { type OperationName, packOperation } from '../../src/ops/augment_operations.ts';
import { packedWords } from '../../src/ops/gather_images.ts';
import { channelsLast, expectClose, type GoldenCheck, run } from './harness.ts';

type Step = readonly [name: OperationName, magnitude?: number];

/** Operations on bytes, whose results torchvision cuts to bytes. */
const check: GoldenCheck = async (file, device) => {
  const number = (name: string) => file.number(name);
  const slope = Math.tan((number('shear') * Math.PI) / 180);
  const steps: Record<string, readonly Step[]> = {
    posterize: [['posterize', number('bits')]],
    solarize: [['solarize', number('threshold')]],
    invert: [['invert']],
    autocontrast: [['auto_contrast']],
    equalize: [['equalize']],
    sharpness: [['sharpness', number('sharpness') - 1]],
    rotate: [['rotate', number('angle')]],
    shear_x: [['shear_x', slope]],
    shear_y: [['shear_y', slope]],
    translate: [
      ['translate_x', number('dx')],
      ['translate_y', number('dy')],
    ],
  };
  const { shape, data } = file.get('image');
  const image = channelsLast({ shape: [1, ...shape], data });
  const [, height, width] = image.shape;
  const bytes = new Uint8Array(packedWords({ height, width }) * 4);
  bytes.set(image.data);
  for (const name of file.names.filter((other) => other !== 'image')) {
    const expected = file.get(name);
    const { view } = await run(device, () => {
      const packed = constant('image', new Uint32Array(bytes.buffer), [1, bytes.length / 4]);
      const whole = constant('parameters', packAugmentParameters({ crop: [0, 0, height, width] }), [1, 16]);
      const rows = Float32Array.from(steps[name].flatMap((step) => packOperation(...step)));
      const options = { height, width, size: height, blurKernel: 3, mean: [0, 0, 0], std: [1, 1, 1] } as const;
      const operations = constant('operations', rows, [1, rows.length]);
      return { view: augment(packed, whole, { ...options, antialias: true }, operations) };
    });
    const rgb = Float32Array.from({ length: 3 * height * width }, (_, i) =>
      Math.floor(view[4 * Math.floor(i / 3) + (i % 3)] * 255 + 1e-3),
    );
    // Where a stretched byte is a whole number, torchvision's product in f32 may lie just below it, and is cut to the byte before.
    const tolerance = name === 'autocontrast' ? 1 / 255 : 0;
    expectClose(name, rgb, channelsLast({ shape: [1, ...expected.shape], data: expected.data }), tolerance);
  }
  return undefined;
};

export default check;
