/** How images are prepared for a network: their size, and the mean and deviation that their colours are normalised with. */

type Colour = readonly [number, number, number];

/** How images are prepared for a network that was trained on such. */
export interface Preparation {
  /** Height and width that images are resized to. */
  readonly imageSize: number;
  readonly mean: Colour;
  readonly std: Colour;
}

/** Means and deviations that have a name. ImageNet's are those that torchvision's models are trained with. */
const colours = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  half: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  none: { mean: [0, 0, 0], std: [1, 1, 1] },
} as const;

export type Normalize = keyof typeof colours;
export const imagenetColours = colours.imagenet;

/** Mean and deviation that colours are normalised with. */
export const normalization = ({ normalize }: { readonly normalize: Normalize }): Pick<Preparation, 'mean' | 'std'> =>
  colours[normalize];

/** How images are prepared where nothing is augmented. */
export const preparation = ({
  imageSize,
  normalize,
}: {
  readonly imageSize: number;
  readonly normalize: Normalize;
}): Preparation => ({ imageSize, ...normalization({ normalize }) });
