/** A picture of which images and captions find each other. */
import type { Tokenizer } from '../data/tokenizer.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import type { Colours } from '../nn/encoder_shape.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { matmul } from '../ops/matmul.ts';
import { reshape } from '../ops/reshape.ts';
import { captionTokens } from './captions.ts';
import type { PictureColumn, PictureFigure } from './method.ts';
import { toPixels } from './pixels.ts';

/** Letters of a caption that are shown. */
const shownLetters = 44;

export interface CaptionFigureOptions {
  readonly tokenizer: Tokenizer;
  /** Tokens of a text with its padding. */
  readonly context: number;
  readonly side: number;
  readonly colours: Colours;
  /** Embeddings of views [N, D] and of texts [N, D], of length one, in inference mode. */
  embed(
    view: Tensor,
    tokens: { readonly ids: Tensor; readonly last: Tensor },
  ): readonly [images: Tensor, texts: Tensor];
}

/** A few images with their captions; the image among them that each caption finds, and the caption that each image finds. */
export function captionFigure({ tokenizer, context, side, colours, embed }: CaptionFigureOptions): PictureFigure {
  return {
    kind: 'pictures',
    name: 'captions',
    record([view], feeds) {
      const tokens = captionTokens(feeds, tokenizer, context);
      const [images, texts] = embed(view, tokens);
      const count = view.shape[0];
      const each = constant(
        'each',
        Uint32Array.from({ length: count }, (_, i) => i),
      );
      const ids = gatherRows(reshape(tokens.ids, [count, context]), each);
      return { view, ids, similarity: matmul(images, texts, { transposeB: true }) };
    },
    columns({ view, ids, similarity }): PictureColumn[] {
      const pictures = toPixels(view, side, colours);
      const count = pictures.length;
      const captions = pictures.map((_, i) =>
        short(tokenizer.decode(ids.slice(i * context, (i + 1) * context) as Uint32Array)),
      );
      const own = [...pictures.keys()];
      const imageOf = own.map((text) => best(own.map((image) => similarity[image * count + text])));
      const textOf = own.map((image) => best(own.map((text) => similarity[image * count + text])));
      return [
        { label: 'image and its caption', pictures, captions },
        { label: 'the caption finds', pictures: imageOf.map((image) => pictures[image]) },
        {
          label: 'the image finds',
          pictures: textOf.map((text) => pictures[text]),
          captions: textOf.map((text) => captions[text]),
        },
      ];
    },
  };
}

/** The place of the greatest value. */
const best = (values: readonly number[]): number => values.indexOf(Math.max(...values));

const short = (caption: string): string =>
  caption.length > shownLetters ? `${caption.slice(0, shownLetters - 1)}…` : caption;
