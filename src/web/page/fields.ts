/** Settings that the form of a training has, and the rules for what is entered. */
import type { WebSettings } from '../protocol.ts';
import { imageSizes } from './suggestions.ts';

interface Base {
  /** As the library calls the setting. */
  readonly name: string;
  readonly label: string;
  /** One line: what it means for one who has never trained a network. */
  readonly help: string;
  /** Folded away: the defaults are good. */
  readonly advanced?: boolean;
}

export interface NumberField extends Base {
  readonly kind: 'number';
  readonly least: number;
  /** Not to be reached itself. */
  readonly above?: boolean;
  readonly most: number;
  readonly whole?: boolean;
}

export interface ChoiceField extends Base {
  readonly kind: 'choice';
  readonly choices: readonly (readonly [value: string, label: string])[];
}

export type Field = NumberField | ChoiceField;

const number = (
  name: string,
  label: string,
  least: number,
  most: number,
  help: string,
  more: Partial<NumberField> = {},
): Field => ({
  kind: 'number',
  name,
  label,
  least,
  most,
  help,
  ...more,
});

const choice = (
  name: string,
  label: string,
  choices: ChoiceField['choices'],
  help: string,
  advanced = false,
): Field => ({
  kind: 'choice',
  name,
  label,
  choices,
  help,
  advanced,
});

const whole = { whole: true };
const advanced = { advanced: true };

export const fields: readonly Field[] = [
  number('epochs', 'Epochs', 1, 100_000, 'How often it sees each photo. More is better, and takes longer.', whole),
  number(
    'batchSize',
    'Batch size',
    2,
    4096,
    'Photos that are compared at once. More learns better, and takes more memory.',
    whole,
  ),
  choice(
    'imageSize',
    'Image size',
    imageSizes.map((size) => [String(size), `${size} × ${size} pixels`]),
    'What the network sees of a photo: twice the side takes four times the time.',
  ),
  choice(
    'width',
    'Network',
    [
      ['0.25', 'Tiny (¼ of the width)'],
      ['0.5', 'Small (½ of the width)'],
      ['1', 'Full width'],
      ['2', 'Wide (twice the width)'],
    ],
    'Channels in each layer. A small one is fast, and enough for a try.',
  ),
  choice('method', 'Method', [], 'What is learnt from the photos.', true),
  choice(
    'architecture',
    'Architecture',
    [
      ['resnet18', 'ResNet-18'],
      ['resnet34', 'ResNet-34'],
      ['resnet50', 'ResNet-50'],
    ],
    'Deeper networks learn more from many photos.',
    true,
  ),
  choice(
    'stem',
    'First layers',
    [
      ['cifar', 'Fine (3×3, for small images)'],
      ['imagenet', 'Coarse (7×7, fast)'],
    ],
    'Fine ones see more of images up to 64 pixels, and take many times longer.',
    true,
  ),
  number('lr', 'Learning rate', 0, 10, 'How far a step goes. Too much, and the loss stays at guessing.', {
    ...advanced,
    above: true,
  }),
  number('temperature', 'Temperature', 0, 10, 'Lower pushes apart what looks most alike.', {
    ...advanced,
    above: true,
  }),
  number('weightDecay', 'Weight decay', 0, 1, 'Keeps weights small.', advanced),
  choice(
    'schedule',
    'Learning rate over time',
    [
      ['constant', 'Stays the same'],
      ['cosine', 'Falls along a cosine'],
      ['linear', 'Falls along a line'],
    ],
    'Falling ends with finer steps.',
    true,
  ),
  number('seed', 'Seed', 0, 2 ** 31 - 1, 'The same seed repeats the same training on the same device.', {
    ...advanced,
    ...whole,
  }),
];

/**
 * The number that was entered, or what is wrong with it.
 *
 * @param most the largest that will do and why, where that is less than the field's own
 */
export function readNumber(
  text: string,
  field: NumberField,
  most?: { readonly value: number; readonly reason: string },
): { readonly value: number } | { readonly fault: string } {
  const { label, least, above, whole: integer } = field;
  const limit = Math.min(field.most, most?.value ?? Number.POSITIVE_INFINITY);
  const kind = integer ? 'a whole number' : 'a number';
  const range = above ? `above ${least} and at most ${limit}` : `from ${least} to ${limit}`;
  const reason = most && limit === most.value ? `: ${most.reason}` : '';
  const fault = { fault: `${label} must be ${kind} ${range}${reason}.` };
  const trimmed = text.trim().replace(',', '.');
  const value = Number(trimmed);
  if (trimmed === '' || !Number.isFinite(value) || (integer && !Number.isInteger(value))) return fault;
  return value < least || value > limit || (above && value === least) ? fault : { value };
}

/** The value of a choice as a setting has it: a number where it is one. */
export const choiceValue = (text: string): WebSettings[string] => (/^[\d.]+$/.test(text) ? Number(text) : text);
