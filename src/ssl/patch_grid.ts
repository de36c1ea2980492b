/** Patches that are cut out of an image by a grid of 3 × 3 places, for methods that ask how they lie to each other. */
import type { Tensor } from '../graph/tensor.ts';
import type { ViewParameters } from '../ops/augment.ts';
import type { ImageSize } from '../ops/gather_images.ts';
import { reshape } from '../ops/reshape.ts';
import { permute } from '../ops/strided_copy.ts';
import { type Pixels, toPixels } from './pixels.ts';
import type { Random } from './rng.ts';
import type { SharedSettings } from './settings.ts';

/** Places of the grid, row by row; 4 is the middle. */
export const gridPlaces = 9;

/** Height and width of a patch that is as large as it would be in an image of --image-size: a quarter, 8 at least. */
export const patchSizeOf = ({ imageSize }: Pick<SharedSettings, 'imageSize'>): number =>
  Math.max(8, Math.round(imageSize / 4));

/** In pixels of the image: the side of a patch, from one place to the next, and how far a patch may lie from the start of its place. */
export interface PatchGrid {
  readonly patch: number;
  readonly pitch: number;
  readonly room: number;
}

/** Height and width that a grid may take. */
export const gridSide = ({ patch, pitch, room }: PatchGrid): number => 2 * pitch + patch + room;

/** What the patches of an image have in common: where the grid lies, and whether the image is mirrored. */
export interface GridPlacement {
  readonly grid: PatchGrid;
  readonly top: number;
  readonly left: number;
  readonly mirrored: boolean;
}

/** A grid anywhere within an image. */
export function placeGrid(grid: PatchGrid, { height, width }: ImageSize, flip: number, draw: Random): GridPlacement {
  const side = gridSide(grid);
  if (side > Math.min(height, width))
    throw new Error(`a grid of ${side} pixels does not fit an image of ${height}×${width}`);
  const [top, left] = [draw.below(height - side + 1), draw.below(width - side + 1)];
  return { grid, top, left, mirrored: draw.uniform() < flip };
}

/** The patch of a place (0 … 8) of the image, or of its mirror image, at a drawn position within its place. */
export function cutPatch(
  place: number,
  { grid, top, left, mirrored }: GridPlacement,
  draw: Random,
): Pick<ViewParameters, 'crop' | 'flip'> {
  const { patch, pitch, room } = grid;
  const [row, column] = [Math.floor(place / 3), place % 3];
  const y = top + row * pitch + draw.below(room + 1);
  const x = left + (mirrored ? 2 - column : column) * pitch + draw.below(room + 1);
  return { crop: [y, x, patch, patch], flip: mirrored };
}

/** Features [V · N, D] of the V patches of each image, view v of image i in row v · N + i → side by side [N, V · D]. */
export function sideBySide(features: Tensor, views: number): Tensor {
  const [rows, d] = features.shape;
  const n = rows / views;
  return reshape(permute(reshape(features, [views, n, d]), [1, 0, 2]), [n, views * d]);
}

/** A picture of 3 × 3 patches of one side with lines between and a border around; where a place has none, it is grey. */
export function gridPicture(patches: readonly (Pixels | undefined)[], side: number): Pixels {
  const step = side + gridLine;
  const whole = 3 * step - gridLine + 2 * gridBorder;
  const rgb = new Uint8Array(3 * whole * whole).fill(255);
  for (let place = 0; place < gridPlaces; place++) {
    const top = gridBorder + Math.floor(place / 3) * step;
    const left = gridBorder + (place % 3) * step;
    for (let row = 0; row < side; row++) {
      const at = 3 * ((top + row) * whole + left);
      const patch = patches[place]?.rgb.subarray(3 * row * side, 3 * (row + 1) * side);
      if (patch) rgb.set(patch, at);
      else rgb.fill(emptyPlace, at, at + 3 * side);
    }
  }
  return { side: whole, rgb };
}
const gridLine = 1;
const gridBorder = 3;
const emptyPlace = 216;

/** Views [V · N, s, s, 4] as pictures, those of each image together: [image][view]. */
export function pixelsOfImages(
  views: ArrayLike<number>,
  count: number,
  side: number,
  colours: Parameters<typeof toPixels>[2],
): Pixels[][] {
  const pictures = toPixels(views, side, colours);
  const n = pictures.length / count;
  return Array.from({ length: n }, (_, image) => Array.from({ length: count }, (_, v) => pictures[v * n + image]));
}
