/** What methods that learn from texts have in common: sizes of their network, tokens as inputs, what is known of the data. */
import { z } from 'zod';
import type { TextSet } from '../data/texts.ts';
import { Tokenizer, type TokenRow } from '../data/tokenizer.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Naming } from '../io/checked.ts';
import { counted } from '../io/counted.ts';
import type { EncoderOfTexts } from '../nn/encoder.ts';
import { type TextOptions, TextTransformer, textPoolings } from '../nn/text_transformer.ts';
import type { Feeds, StepTime } from './feeds.ts';
import type { ImageFacts, TextFacts } from './method.ts';
import { count } from './settings.ts';
import { wordsIn } from './text_augmentation.ts';

/** Settings of the sizes of a text transformer. */
export const textSizes = {
  textWidth: count(4).max(2048).multipleOf(4).default(256).describe('numbers of a token in the text transformer'),
  textLayers: count(1).max(48).default(6).describe('its blocks'),
  textHeads: count(1).max(32).default(4).describe('heads of its attention'),
  contextLength: count(3)
    .max(512)
    .default(32)
    .describe('tokens of a text with its start and end; longer texts are cut'),
};

/** `--pooling`. */
export const textPooling = (pooling: (typeof textPoolings)[number]) =>
  z
    .enum(textPoolings)
    .default(pooling)
    .describe(
      'what stands for a text: its start token (cls), the mean of all (mean), or its end token (eot), where tokens see those before them only',
    );

/** `--dropout`. */
export const textDropout = (p: number) =>
  z
    .number()
    .min(0)
    .max(0.9)
    .default(p)
    .describe('probability that a number is dropped in the text transformer in training');

type Sizes = { readonly [name in keyof typeof textSizes]: number };

/** UserError (usage): heads of the attention that do not divide the width. */
export function checkTextSizes(method: string, { textWidth, textHeads }: Sizes, name: Naming): void {
  if (textWidth % textHeads === 0) return;
  throw new UserError(
    `method ${method}: ${name('textWidth')} ${textWidth} must be a multiple of ${name('textHeads')} ${textHeads}`,
    2,
  );
}

/** A text transformer of a method's settings as an encoder, and the network itself. */
export interface TextNetwork {
  readonly encoder: EncoderOfTexts;
  readonly network: TextTransformer;
}

/** What is made with the sizes of `textSizes`; its tensors are named `text.…`. @param merges those of `ImageFacts` */
export function textNetwork(
  {
    textWidth: width,
    textLayers: layers,
    textHeads: heads,
    contextLength: context,
    pooling,
    dropout,
    seed,
  }: Sizes & Pick<TextOptions, 'pooling' | 'dropout' | 'seed'>,
  merges: ImageFacts['merges'],
): TextNetwork {
  const tokenizer = new Tokenizer(merges);
  const network = new TextTransformer('text', {
    ...{ vocabulary: tokenizer.size, width, layers, heads, context, pooling, dropout, seed },
  });
  const encoder: EncoderOfTexts = {
    ...{ tokenizer, context, dimensions: network.dimensions },
    ...{ parameters: network.parameters, buffers: network.buffers },
    description: `a transformer of ${counted(layers, 'block')} of ${width} numbers, ${tokenizer.size} tokens, ${pooling} of up to ${context}`,
    forward: (ids, mode, ends) => network.forward(ids, mode, ends),
  };
  return { encoder, network };
}

/** What is known of the texts. Error: the data are none. */
export function textsOf({ texts }: ImageFacts): TextFacts {
  if (texts) return texts;
  throw new Error('the method learns from texts, which the data are not');
}

const words = new WeakMap<TextSet['texts'], readonly string[]>();

/** The words of texts, each once; found once for each set of them. */
export function wordsOf(texts: TextSet['texts']): readonly string[] {
  let found = words.get(texts);
  if (!found) words.set(texts, (found = wordsIn(texts.flat())));
  return found;
}

/** Texts as a transformer takes them. */
export interface TokenInputs {
  /** u32 [N · T] */
  readonly ids: Tensor;
  /** u32 [N]: the last token of each text among all of them. */
  readonly last: Tensor;
  /** f32 [N, T]: 1 for a token, 0 for padding. */
  readonly seen: Tensor;
}

/**
 * A text of each sample of a batch, or of each of its views, as tokens in rows of `length`: inputs of the step, view v of sample i in row
 * v · N + i. Several of them in a step have names of their own.
 * @param textOf a function of its arguments and of nothing else, as feeds are
 */
export function textTokens(
  feeds: Feeds,
  tokenizer: Tokenizer,
  length: number,
  textOf: (sample: number, time: StepTime, view: number) => string,
  name = 'tokens',
  views = 1,
): TokenInputs {
  const rowOf = (...of: Parameters<typeof textOf>) => tokenizer.row(textOf(...of), length);
  const lastOf = (place: number, { count }: TokenRow) => [place * length + count - 1];
  return {
    ids: feeds.rowsOf(name, length, (sample, _, ...of) => rowOf(sample, ...of).ids, views),
    last: feeds.rowsOf(`last ${name}`, 1, (sample, place, ...of) => lastOf(place, rowOf(sample, ...of)), views),
    seen: feeds.views(`seen ${name}`, views, length, (...of) => seenOf(rowOf(...of).count, length)),
  };
}

/** 1 for each of so many tokens, 0 for the padding behind them. */
export const seenOf = (tokens: number, length: number): Float32Array => new Float32Array(length).fill(1, 0, tokens);
