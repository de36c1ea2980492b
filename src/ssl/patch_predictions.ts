/** Pictures of what contrastive predictive coding predicts: which patches of a few images score highest for what follows a context. */
import { overlappingPatchOf, patchesInRow, patchStart } from '../nn/patches_encoder.ts';
import type { PictureColumn } from './method.ts';
import type { Pixels } from './pixels.ts';

/** A patch by its row and column in the grid of its image. */
export interface PatchPlace {
  readonly row: number;
  readonly column: number;
}

/** What is asked in each image: which patch lies at `target`, from what its column has down to `context`. */
export interface PatchQuestion {
  readonly context: PatchPlace;
  readonly target: PatchPlace;
}

/** How many of the candidates are shown. */
const shown = 4;

/**
 * A row for each image: the image with its column down to the context as it is, the rest pale, and a frame where the target lies; the
 * target; the candidates with the highest scores, the highest first.
 *
 * @param scores [images, candidates] of the patches of all images in rows target.row − context.row … 6, column by column, each from top to bottom
 */
export function predictionColumns(
  pictures: readonly Pixels[],
  scores: ArrayLike<number>,
  question: PatchQuestion,
): readonly PictureColumn[] {
  const { context, target } = question;
  const first = target.row - context.row;
  const each = patchesInRow - first;
  const count = pictures.length * patchesInRow * each;
  const numberOf = (image: number) => (image * patchesInRow + target.column) * each + target.row - first;
  const ranked = pictures.map((_, image) => {
    const own = Array.from({ length: count }, (_, i) => scores[image * count + i]);
    return own.map((_, i) => i).sort((a, b) => own[b] - own[a]);
  });
  const patchOf = (number: number) => {
    const [sequence, step] = [Math.floor(number / each), number % each];
    const place = { row: first + step, column: sequence % patchesInRow };
    return cutOut(pictures[Math.floor(sequence / patchesInRow)], place);
  };
  const ranks = ranked.map((order, image) => 1 + order.indexOf(numberOf(image)));
  const candidates = Array.from({ length: shown }, (_, rank) => ({
    label: `rank ${rank + 1}`,
    pictures: ranked.map((order) => patchOf(order[rank])),
    captions: ranks.map((own) => (own === rank + 1 ? 'truth' : '')),
  }));
  return [
    { label: 'seen', pictures: pictures.map((picture) => asked(picture, question)) },
    {
      label: 'truth',
      pictures: pictures.map((picture) => cutOut(picture, target)),
      captions: ranks.map((rank) => `rank ${rank} of ${count}`),
    },
    ...candidates,
  ];
}

/** Where a patch lies in a picture. */
function boxOf({ side }: Pixels, { row, column }: PatchPlace) {
  return { top: patchStart(side, row), left: patchStart(side, column), size: overlappingPatchOf(side) };
}

function cutOut(picture: Pixels, place: PatchPlace): Pixels {
  const { top, left, size } = boxOf(picture, place);
  const rgb = new Uint8Array(3 * size * size);
  for (let row = 0; row < size; row++) {
    const start = 3 * ((top + row) * picture.side + left);
    rgb.set(picture.rgb.subarray(start, start + 3 * size), 3 * row * size);
  }
  return { side: size, rgb };
}

/** What is not seen is paler by this share of the way to white. */
const pale = 0.65;
const frameColour = [220, 30, 30];

function asked(picture: Pixels, { context, target }: PatchQuestion): Pixels {
  const [seen, frame] = [boxOf(picture, context), boxOf(picture, target)];
  const { side, rgb } = picture;
  const top = patchStart(side, 0);
  const isSeen = (y: number, x: number) =>
    y >= top && y < seen.top + seen.size && x >= seen.left && x < seen.left + seen.size;
  const isFrame = (y: number, x: number) => {
    const [dy, dx] = [y - frame.top, x - frame.left];
    const last = frame.size - 1;
    return dy >= 0 && dx >= 0 && dy <= last && dx <= last && [0, last].some((edge) => dy === edge || dx === edge);
  };
  const colours = Uint8Array.from(rgb, (value, i) => {
    const [y, x] = [Math.floor(i / 3 / side), Math.floor(i / 3) % side];
    if (isFrame(y, x)) return frameColour[i % 3];
    return isSeen(y, x) ? value : Math.round(value + pale * (255 - value));
  });
  return { side, rgb: colours };
}
