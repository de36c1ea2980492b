/** Which network a file has, where no metadata say it: torchvision's own files have none. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { elements, type Shape } from '../../src/graph/tensor.ts';
import { type StoredTensor, writeSafetensors } from '../../src/io/safetensors.ts';
import type { EncoderShape } from '../../src/nn/encoder_shape.ts';
import { makeEncoder } from '../../src/nn/encoders.ts';
import { resnetNames, stems } from '../../src/nn/resnet.ts';
import { entriesOf } from '../../src/nn/state_dict.ts';
import { readEncoderFile, readEncoderTensors } from '../../src/train/encoder_file.ts';
import { scratchFolder } from '../cli/run.ts';

const file = join(scratchFolder(), 'encoder.safetensors');
const zeros = (shape: Shape): StoredTensor => ({
  dtype: 'F32',
  shape: [...shape],
  data: new Float32Array(elements(shape)),
});

/** The tensors of a network under torchvision's names, with its classifier. */
function tensorsOf(shape: EncoderShape): [string, StoredTensor][] {
  const encoder = makeEncoder({ ...shape, seed: 1 });
  const entries = entriesOf(encoder).map(
    ({ tensor, torchShape }) => [tensor.name, zeros(torchShape)] as [string, StoredTensor],
  );
  return [...entries, ['fc.weight', zeros([10, encoder.dimensions])], ['fc.bias', zeros([10])]];
}

const shapes = [
  ...resnetNames.flatMap((architecture) => [
    ...stems.map((stem): EncoderShape => ({ architecture, stem, width: 0.25 })),
    { architecture, stem: 'imagenet', width: 1 } as const,
  ]),
  ...[0.25, 1].map((width): EncoderShape => ({ architecture: 'dcgan', stem: 'imagenet', width })),
];

it.each(shapes)('$architecture, $stem stem, width $width', (shape) => {
  writeSafetensors(file, tensorsOf(shape));
  expect(readEncoderFile(file, { imageSize: 224, normalize: 'imagenet' })).toMatchObject(shape);
});

it.each([
  ['resnet101', [3, 4, 23, 3]],
  ['resnet152', [3, 8, 36, 3]],
  ['resnet26, of bottlenecks', [2, 2, 2, 2]],
] as const)('%s is none of ours, and one line says so', (_name, blocks) => {
  const tensors = tensorsOf({ architecture: 'resnet50', stem: 'imagenet', width: 0.25 });
  const part = (at: string) => tensors.filter(([name]) => name.startsWith(`${at}.`));
  const layers = blocks.flatMap((length, i) =>
    Array.from({ length }, (_, block) =>
      part(`layer${i + 1}.${Math.min(block, 1)}`).map(
        ([name, tensor]) => [name.replace(/\.\d+\./, `.${block}.`), tensor] as const,
      ),
    ).flat(),
  );
  writeSafetensors(file, [...tensors.filter(([name]) => !name.startsWith('layer')), ...layers]);
  const read = () => readEncoderTensors(file);
  expect(read).toThrow(UserError);
  expect(read).toThrow(
    `${file}: not an encoder that this program knows; give a checkpoint of a run, an exported encoder, torchvision's resnet18, resnet34 or resnet50 (`,
  );
});

it('a network with other channels in its blocks is refused by the first of them: wide_resnet50_2', () => {
  const tensors = tensorsOf({ architecture: 'resnet50', stem: 'imagenet', width: 0.25 });
  const wide = tensors.map(([name, tensor]) =>
    name === 'layer1.0.conv1.weight' ? ([name, zeros([32, 16, 1, 1])] as const) : ([name, tensor] as const),
  );
  writeSafetensors(file, wide);
  expect(() => readEncoderTensors(file)).toThrow(
    "tensor 'layer1.0.conv1.weight' has shape [32, 16, 1, 1], expected [16, 16, 1, 1]",
  );
});
