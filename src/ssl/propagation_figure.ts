/** The colours of a clip's first frame, carried through the clip. */
import { clipsOf } from '../data/clips.ts';
import type { ImageSet } from '../data/images.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Colours } from '../nn/encoder_shape.ts';
import { interpolate } from '../ops/interpolate.ts';
import { reshape } from '../ops/reshape.ts';
import { rgbToLab } from '../ops/rgb_to_lab.ts';
import { slice } from '../ops/strided_copy.ts';
import { labPictures } from './lab_pictures.ts';
import type { PictureFigure } from './method.ts';
import { type PropagationOptions, propagate } from './propagation.ts';

/** Frames that are shown. */
const shown = 6;

export interface PropagationFigureOptions extends PropagationOptions {
  /** How views are normalised, and their side. */
  readonly colours: Colours;
  readonly imageSize: number;
  readonly frameStep: number;
  /** Views [T, S, S, 4] → embeddings of their places [T, P, D], in inference mode, and colours [T, P, 2]. */
  readonly embed: (views: Tensor) => Tensor;
  readonly abOf: (views: Tensor) => Tensor;
}

/** The first frames, `step` apart, of the longest clip. */
function firstFrames(images: ImageSet, step: number): number[] {
  const [{ frames }] = clipsOf(images).toSorted((a, b) => b.frames.length - a.frames.length);
  return frames.filter((_, t) => t % step === 0).slice(0, shown);
}

/** Frames of a clip in rows: grey, with the colours that reached them from the first, and as they were. */
export function propagationFigure(options: PropagationFigureOptions): PictureFigure {
  const { colours, imageSize, frameStep, embed, abOf } = options;
  return {
    kind: 'pictures',
    name: 'propagation',
    images: shown,
    choose: (images) => firstFrames(images, frameStep),
    record([frames]) {
      const carried = propagate(embed(frames), slice(abOf(frames), 0, 0, 1), options);
      const [times, places] = carried.shape;
      const side = Math.sqrt(places);
      return {
        lab: rgbToLab(frames, colours),
        ab: interpolate(reshape(carried, [times, side, side, 2]), [imageSize, imageSize]),
      };
    },
    columns({ lab, ab }) {
      const count = ab.length / (2 * imageSize ** 2);
      const pictures = (colour: (pixel: number) => readonly [number, number]) =>
        labPictures(count, imageSize, (i) => [lab[4 * i], ...colour(i)]);
      const frame = (t: number) => (t === 0 ? 'frame 1: given' : `frame ${t * frameStep + 1}`);
      return [
        { label: 'sees', pictures: pictures(() => [0, 0]) },
        {
          label: 'colours carried',
          pictures: pictures((i) => [ab[2 * i], ab[2 * i + 1]]),
          captions: Array.from({ length: count }, (_, t) => frame(t)),
        },
        { label: 'truth', pictures: pictures((i) => [lab[4 * i + 1], lab[4 * i + 2]]) },
      ];
    },
  };
}
