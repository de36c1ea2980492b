/** How images are prepared for an encoder (size, mean and deviation of colours), and how files say it. */

import { type Normalize, normalization, type Preparation } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { Naming } from '../io/checked.ts';
import { sharedSettings } from '../ssl/settings.ts';
import type { ClassifierFacts } from './classifier_file.ts';
import { parseTable } from './settings.ts';

type Colours = Pick<Preparation, 'mean' | 'std'>;
type Metadata = Readonly<Record<string, string>>;

/** What a user says about preparation; the rest is taken from the file. */
export interface GivenPreparation {
  /** Height and width of images, in pixels. */
  readonly imageSize?: number;
  readonly normalize?: Normalize;
}

/** The metadata of an exported encoder that say how images are prepared for it. */
export const preparationMetadata = ({ imageSize, mean, std }: Preparation) => ({
  image_size: String(imageSize),
  mean: JSON.stringify(mean),
  std: JSON.stringify(std),
});

/** What a file says. */
interface StoredPreparation {
  readonly imageSize?: number;
  readonly colours?: Colours;
}

/**
 * What a checkpoint's settings, or the metadata of a classifier or of an exported encoder, say about preparation.
 *
 * @throws UserError the metadata are damaged
 */
export function storedPreparation(metadata: Metadata, path: string, name: Naming): StoredPreparation {
  try {
    if (metadata['settings'] !== undefined) return fromSettings(JSON.parse(metadata['settings']), path);
    if (metadata['classifier'] !== undefined) {
      const { preparation } = JSON.parse(metadata['classifier']) as ClassifierFacts;
      return { imageSize: checkedSize(preparation.imageSize), colours: checkedColours(preparation) };
    }
    const { image_size: size, mean, std } = metadata;
    return {
      ...(size !== undefined && { imageSize: checkedSize(Number(size)) }),
      ...(mean !== undefined &&
        std !== undefined && { colours: checkedColours({ mean: JSON.parse(mean), std: JSON.parse(std) }) }),
    };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${path}: its metadata are damaged; use another copy, and give ${name('imageSize')} and ${name('normalize')} if it records none`,
    );
  }
}

function fromSettings(settings: Readonly<Record<string, unknown>>, path: string): StoredPreparation {
  const { imageSize, normalize } = settings;
  const checked = parseTable(sharedSettings, { imageSize, normalize }, path, (name) => name);
  return {
    ...(imageSize !== undefined && { imageSize: checked.imageSize }),
    ...(normalize !== undefined && { colours: normalization(checked) }),
  };
}

const checkedSize = (size: number): number => sharedSettings.shape.imageSize.unwrap().parse(size);

function checkedColours({ mean, std }: Colours): Colours {
  const three = (values: unknown): boolean =>
    Array.isArray(values) && values.length === 3 && values.every((value) => Number.isFinite(value));
  if (!three(mean) || !three(std) || !std.every((value) => value > 0)) throw new Error('no mean and deviation');
  return { mean, std };
}

/** The name of a mean and a deviation; undefined for those without one. */
export const normalizeNamed = ({ mean, std }: Colours): Normalize | undefined =>
  (['imagenet', 'half', 'none'] as const).find((normalize) => {
    const own = normalization({ normalize });
    return own.mean.join() === mean.join() && own.std.join() === std.join();
  });

/** The question to the user that a file without preparation leaves. */
export function missingPreparation(
  path: string,
  metadata: Metadata,
  { imageSize, colours }: StoredPreparation,
  name: Naming,
): UserError {
  const missing = [...(imageSize === undefined ? ['imageSize'] : []), ...(colours === undefined ? ['normalize'] : [])];
  const flags = missing.map(name).join(' and ');
  // Files of ours say their architecture; others are torchvision's, or were made from them.
  const theirs = metadata['architecture'] === undefined;
  const hint = theirs ? ` (torchvision's own weights: ${name('imageSize')} 224, ${name('normalize')} imagenet)` : '';
  return new UserError(`${path}: the file does not record how images are prepared for it; give ${flags}${hint}`, 2);
}

const colourNames: Readonly<Record<Normalize, string>> = {
  imagenet: 'ImageNet mean/std',
  half: 'mean/std 0.5/0.5',
  none: 'mean/std 0/1',
};

/** One line for people: `64×64, ImageNet mean/std, from the file`. */
export function describePreparation(
  file: Preparation & { readonly normalize: Normalize | undefined; readonly given: GivenPreparation },
): string {
  const { imageSize, mean, std, normalize, given } = file;
  const size = `${imageSize}×${imageSize}`;
  const colours = normalize ? colourNames[normalize] : `mean ${mean.join(', ')} and std ${std.join(', ')}`;
  const from = (value: unknown): string => (value === undefined ? 'from the file' : 'as given');
  const [sizeFrom, coloursFrom] = [from(given.imageSize), from(given.normalize)];
  return sizeFrom === coloursFrom
    ? `${size}, ${colours}, ${sizeFrom}`
    : `${size} (${sizeFrom}), ${colours} (${coloursFrom})`;
}
