/** Augmentation policies as slots of operations: RandAugment, AutoAugment, PBA, InfoMin. */
import { messageOf } from '../errors.ts';
import type { Operation, OperationName, OperationSlot } from '../ops/augment_operations.ts';
import { autoAugmentPolicies } from './policies_autoaugment.ts';
import { customPolicy, customSlots, isCustom, type OperationOf } from './policies_custom.ts';
import { pbaCifar10, pbaOperation } from './policies_pba.ts';

export const policies = [
  'none',
  'randaugment',
  'autoaugment-cifar10',
  'autoaugment-svhn',
  'autoaugment-imagenet',
  'pba-cifar10',
  'infomin',
] as const;
export type PolicyName = (typeof policies)[number];

/** Operations whose sign is random. */
const signed: ReadonlySet<OperationName> = new Set([
  ...(['shear_x', 'shear_y', 'translate_x', 'translate_y', 'rotate'] as const),
  ...(['brightness', 'saturation', 'contrast', 'sharpness'] as const),
]);

/**
 * The magnitude of an operation at a share of its range from 0 to 1, in a picture of that size: torchvision's, for RandAugment and
 * AutoAugment. A translation is cut to whole pixels.
 */
export function magnitudeOf(name: OperationName, share: number, size: number): number {
  switch (name) {
    case 'shear_x':
    case 'shear_y':
      return 0.3 * share;
    case 'translate_x':
    case 'translate_y':
      return Math.trunc((150 / 331) * size * share);
    case 'rotate':
      return 30 * share;
    case 'posterize':
      return 8 - Math.round(4 * share);
    case 'solarize':
      return 255 * (1 - share);
    default:
      return 0.9 * share;
  }
}

const operation = (name: OperationName, probability: number, share: number, size: number): Operation => ({
  name,
  probability,
  magnitude: magnitudeOf(name, share, size),
  signed: signed.has(name),
});

const randAugmentOperations: readonly OperationName[] = [
  ...(['identity', 'shear_x', 'shear_y', 'translate_x', 'translate_y', 'rotate', 'brightness', 'saturation'] as const),
  ...(['contrast', 'sharpness', 'posterize', 'solarize', 'auto_contrast', 'equalize'] as const),
];

export interface RandAugmentOptions {
  /** Operations of a view, n. */
  readonly operations: number;
  /** Of 31 bins, from 0 to 30. */
  readonly magnitude: number;
}

/** RandAugment (Cubuk et al., 2019): n of 14 operations, drawn with replacement, all of one magnitude. */
export const randAugment = ({ operations, magnitude }: RandAugmentOptions, size: number): readonly OperationSlot[] =>
  Array.from({ length: operations }, () => ({
    choices: randAugmentOperations.map((name) => operation(name, 1, magnitude / 30, size)),
  }));

/** AutoAugment (Cubuk et al., 2018): one of 25 sub-policies, whose two operations each have a probability and a level of 10. */
function autoAugment(policy: keyof typeof autoAugmentPolicies, size: number, draw: number): readonly OperationSlot[] {
  const pairs = autoAugmentPolicies[policy];
  return [0, 1].map((place) => ({ choices: pairs.map((pair) => autoAugmentOperation(pair[place], size)), draw }));
}
const autoAugmentOperation: OperationOf = ([name, probability, level = 0], size) =>
  operation(name, probability, level / 9, size);

/** PBA (Ho et al., 2019): up to two operations, of a list whose probabilities and magnitudes change during the run. */
const pba = (size: number): readonly OperationSlot[] =>
  [0, 1].map((number) => ({ number, schedule: (share: number) => pbaCifar10(share, size) }));

/**
 * The RandAugment of InfoMin (Tian et al., 2020): two of 15 operations with all of their range, each with probability 1/2, as in the
 * authors' code, but for its slight variation of magnitudes, its bilinear interpolation and its grey borders. `augmentationPresets` has what
 * belongs to it.
 */
function infoMin(size: number): readonly OperationSlot[] {
  const one = (name: OperationName, magnitude = 0, random = false): Operation => ({
    ...{ name, magnitude, signed: random },
    probability: 0.5,
  });
  const factor = 0.9;
  const translation = Math.trunc(0.45 * size);
  const choices = [
    ...[one('auto_contrast'), one('equalize'), one('invert'), one('rotate', 30, true), one('posterize', 4)],
    ...[one('solarize', 256), one('solarize_add', 110), one('saturation', factor), one('contrast', factor)],
    ...[one('brightness', factor), one('sharpness', factor), one('shear_x', 0.3, true), one('shear_y', 0.3, true)],
    ...[one('translate_x', translation, true), one('translate_y', translation, true)],
  ];
  return [{ choices }, { choices }];
}

const isNamed = (policy: string): policy is PolicyName => (policies as readonly string[]).includes(policy);

/** What is wrong with a value of the setting `policy`; undefined: nothing. */
export function policyFault(policy: string): string | undefined {
  if (isNamed(policy)) return undefined;
  if (!isCustom(policy)) return `${policies.slice(0, -1).join(', ')}, ${policies.at(-1)} or a file (.json)`;
  try {
    customPolicy(policy);
    return undefined;
  } catch (error) {
    return `a policy (${messageOf(error)})`;
  }
}

/** The slots of a policy, its name or a user's own, for views of a size; `draw` is one that no slot before it has. */
export function policySlots(
  policy: string,
  options: RandAugmentOptions,
  size: number,
  draw: number,
): readonly OperationSlot[] {
  if (isNamed(policy)) return namedSlots(policy, options, size, draw);
  return customSlots(customPolicy(policy), size, draw, { pba: pbaOperation, autoaugment: autoAugmentOperation });
}

function namedSlots(
  policy: PolicyName,
  options: RandAugmentOptions,
  size: number,
  draw: number,
): readonly OperationSlot[] {
  switch (policy) {
    case 'none':
      return [];
    case 'randaugment':
      return randAugment(options, size);
    case 'pba-cifar10':
      return pba(size);
    case 'infomin':
      return infoMin(size);
    default:
      return autoAugment(policy, size, draw);
  }
}
