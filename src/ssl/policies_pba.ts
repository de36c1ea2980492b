/** The published schedule of PBA (Ho et al., 2019) for CIFAR-10: found with a Wide-ResNet on 4,000 images in 200 epochs. */
import type { Operation, OperationName } from '../ops/augment_operations.ts';
import type { OperationOf } from './policies_custom.ts';

/** In the order of the schedule's numbers, each operation twice. */
const operations = [
  ...(['auto_contrast', 'equalize', 'invert', 'rotate', 'posterize', 'solarize', 'saturation', 'contrast'] as const),
  ...(['brightness', 'sharpness', 'shear_x', 'shear_y', 'translate_x', 'translate_y', 'cutout'] as const),
] as const satisfies readonly OperationName[];

/** Epochs of the published schedule. */
const epochs = 200;

/**
 * From an epoch on: probability in tenths and level from 0 to 10 of each operation, then of each again. Nothing is done before the first.
 * The history of the best member of the search's population; the epochs are those of the member that it was copied from.
 */
export const pbaSchedule: readonly (readonly [epoch: number, numbers: string])[] = [
  [
    12,
    '0,3 3,7 1,9 2,0 2,0 0,2 0,0 0,0 3,0 0,2 0,2 0,0 0,0 1,0 3,1 ' +
      '0,0 1,0 3,0 2,0 0,6 0,0 0,3 0,2 0,0 6,0 3,4 0,0 0,0 3,1 0,3',
  ],
  [
    34,
    '3,0 3,8 3,2 0,6 3,0 0,3 0,0 0,3 0,3 2,4 5,3 0,0 2,1 0,0 6,0 ' +
      '2,0 2,8 5,4 2,3 0,5 3,3 0,2 1,5 3,0 5,0 3,3 0,1 0,0 1,0 1,3',
  ],
  [
    54,
    '2,0 2,3 3,5 0,3 0,2 3,6 1,0 2,5 0,5 0,2 5,5 0,0 0,4 0,1 2,0 ' +
      '4,3 2,5 8,6 0,6 0,2 6,5 5,3 1,7 2,6 2,0 3,1 1,8 0,0 0,0 9,0',
  ],
  [
    74,
    '4,0 0,5 6,0 1,2 3,1 6,7 0,0 0,8 0,5 0,3 4,2 0,0 0,6 0,0 4,0 ' +
      '6,1 0,5 6,3 0,3 9,0 8,5 5,3 2,7 5,4 0,3 3,0 0,7 0,2 0,1 7,3',
  ],
  [
    75,
    '4,0 3,3 5,3 1,0 9,0 3,8 0,0 0,9 0,2 1,6 1,2 6,1 0,7 0,2 1,0 ' +
      '7,1 8,8 5,3 1,2 10,7 8,5 4,3 3,7 5,6 0,3 6,1 0,4 0,5 0,1 7,3',
  ],
  [
    81,
    '3,0 4,3 9,5 0,2 10,0 3,9 0,0 0,6 3,0 0,6 0,5 9,1 0,5 0,1 9,0 ' +
      '7,4 8,2 5,3 2,2 10,7 8,3 4,3 3,7 3,6 0,5 6,1 0,6 8,9 3,0 8,3',
  ],
  [
    84,
    '4,1 7,2 10,3 0,2 10,0 4,9 3,0 2,6 4,3 2,9 1,8 10,1 3,2 0,2 10,3 ' +
      '7,2 6,4 7,3 2,6 10,9 5,4 1,4 6,7 1,5 0,2 1,0 0,9 3,9 3,0 9,3',
  ],
  [
    111,
    '4,1 8,2 10,2 3,3 10,0 4,8 1,0 0,4 6,2 4,9 5,7 9,3 4,2 0,4 8,1 ' +
      '8,0 6,7 7,8 1,6 10,9 3,3 1,3 3,7 1,8 0,6 0,3 0,9 6,6 5,6 9,2',
  ],
  [
    117,
    '2,0 10,2 10,6 4,3 10,1 5,9 2,3 0,4 5,3 7,5 8,4 10,2 5,1 0,2 5,3 ' +
      '10,1 2,8 7,8 1,7 7,8 3,1 1,5 3,6 0,8 0,6 0,6 1,9 7,9 5,6 10,6',
  ],
  [
    138,
    '5,1 10,5 9,7 4,7 7,0 2,9 4,1 0,2 7,1 10,4 10,5 10,8 5,0 0,4 4,3 ' +
      '10,1 0,8 6,7 1,9 4,7 1,2 1,6 6,5 4,9 0,7 0,3 1,9 8,9 4,8 9,6',
  ],
  [
    144,
    '4,0 10,5 7,3 7,5 7,0 0,9 1,1 3,0 7,0 10,7 10,5 10,5 3,0 0,4 1,3 ' +
      '10,3 0,8 5,9 5,2 5,9 1,3 0,6 4,6 1,7 3,4 0,6 7,9 9,9 5,7 5,6',
  ],
  [
    153,
    '4,0 7,6 5,5 9,5 5,0 0,6 0,1 0,1 2,3 10,7 10,2 10,3 4,0 0,1 3,5 ' +
      '10,2 10,6 5,9 3,3 5,6 4,9 0,7 6,6 4,9 0,5 2,6 9,9 6,9 3,8 4,1',
  ],
  [
    160,
    '1,8 10,4 8,5 7,3 5,7 1,8 9,1 0,9 4,5 8,7 9,1 10,4 4,4 1,0 0,7 ' +
      '8,4 10,4 8,9 5,4 6,1 5,6 1,4 7,4 5,7 0,7 2,5 6,9 3,9 3,6 5,3',
  ],
  [
    177,
    '3,7 7,1 9,5 9,5 3,9 0,9 10,3 5,8 1,3 10,7 10,5 10,8 7,1 1,7 0,9 ' +
      '6,5 10,4 9,9 8,2 8,2 8,3 2,1 4,2 8,7 1,5 2,2 3,9 2,9 1,8 8,9',
  ],
  [
    183,
    '3,7 6,0 10,7 8,5 6,9 0,9 9,3 2,6 1,1 10,5 10,2 7,8 7,8 3,6 9,7 ' +
      '2,6 10,3 7,9 10,3 6,2 1,6 0,0 5,0 6,9 3,4 1,2 1,9 2,0 5,9 8,9',
  ],
  [
    195,
    '0,6 6,6 10,0 3,4 5,8 0,9 7,3 0,6 0,2 10,5 10,2 10,6 10,9 0,8 10,7 ' +
      '2,7 8,6 6,7 10,3 9,4 0,8 0,1 5,0 8,7 3,3 2,3 0,8 3,3 5,2 7,6',
  ],
];

/** What a level of 10 means, in pictures of a size: ranges of the published code, whose pixels are those of 32 × 32. */
function magnitude(name: OperationName, level: number, size: number): number {
  const pixels = (of32: number) => Math.trunc((of32 * size) / 32);
  switch (name) {
    case 'rotate':
      return 3 * level;
    case 'posterize':
      return 4 - Math.floor(0.4 * level);
    case 'solarize':
      return 256 - Math.floor(25.6 * level);
    case 'shear_x':
    case 'shear_y':
      return 0.03 * level;
    case 'translate_x':
    case 'translate_y':
      return pixels(level);
    case 'cutout':
      return pixels(2 * level);
    default:
      return 0.18 * level - 0.9; // a factor from 0.1 to 1.9
  }
}

const signed: ReadonlySet<OperationName> = new Set(['rotate', 'shear_x', 'shear_y', 'translate_x', 'translate_y']);

/** An operation of a schedule: name, probability and level from 0 to 10. */
export const pbaOperation: OperationOf = ([name, probability, level = 0], size) => ({
  ...{ name, probability, magnitude: magnitude(name, level, size) },
  signed: signed.has(name),
});

function rows(numbers: string, size: number): Operation[] {
  return numbers.split(' ').map((pair, i) => {
    const [tenths, level] = pair.split(',').map(Number);
    return pbaOperation([operations[i % operations.length], tenths / 10, level], size);
  });
}

/** The 30 operations at a share of the run from 0 to 1: the schedule is stretched to the run's length, as its authors do. */
export function pbaCifar10(share: number, size: number): readonly Operation[] {
  const at = pbaSchedule.findLast(([epoch]) => epoch <= share * epochs);
  return rows(at?.[1] ?? Array.from({ length: 2 * operations.length }, () => '0,0').join(' '), size);
}
