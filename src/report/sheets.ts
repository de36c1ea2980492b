/** A picture made of many small ones: the grid that shows augmented pairs. */

import { Canvas, type Color } from './canvas.ts';

const BACKGROUND: Color = [255, 255, 255];
const GAP = 4;
/** Small images are enlarged by whole factors to about this side, so that their pixels stay square. */
const TARGET_TILE = 96;

/**
 * Shows augmented pairs below each other: view a in a row, its view b in the row under it. More pairs than `columns` go on in a
 * further band of two rows, set off by a wider gap.
 * @param images half-split as in a batch: view a of all samples, then view b of all samples; square RGB images (HWC bytes)
 * @returns a PNG file
 */
export function pairGrid(images: readonly Uint8Array[], columns = 8): Buffer {
  const pairs = images.length / 2;
  const size = Math.sqrt((images[0]?.length ?? 0) / 3);
  if (!Number.isInteger(pairs) || pairs === 0 || !Number.isInteger(size)) {
    throw new Error(`[pairGrid] needs pairs of square RGB images, got ${images.length} of ${images[0]?.length} bytes`);
  }
  const places = images.map((_, i) => {
    const sample = i % pairs;
    const band = Math.floor(sample / columns);
    return { column: sample % columns, row: 2 * band + (i < pairs ? 0 : 1), band };
  });
  return drawTiles(images, places, size);
}

interface Place {
  readonly column: number;
  readonly row: number;
  readonly band: number;
}

function drawTiles(images: readonly Uint8Array[], places: readonly Place[], size: number): Buffer {
  const scale = Math.max(1, Math.round(TARGET_TILE / size));
  const pitch = size * scale + GAP;
  const x = (place: Place) => GAP + place.column * pitch;
  const y = (place: Place) => GAP + place.row * pitch + place.band * 2 * GAP;
  const width = Math.max(GAP + 1, ...places.map((place) => x(place) + pitch));
  const height = Math.max(GAP + 1, ...places.map((place) => y(place) + pitch));
  const canvas = new Canvas(width, height, BACKGROUND);
  images.forEach((image, i) => {
    canvas.blit(image, size, size, x(places[i]), y(places[i]), scale);
  });
  return canvas.toPng();
}
