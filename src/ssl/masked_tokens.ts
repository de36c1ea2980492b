/** Tokens of texts that are to be filled in: which they are, what stands in their places, and inputs of a step made of that (BERT). */
import type { z } from 'zod';
import { maskOfText, type Tokenizer, type TokenRow } from '../data/tokenizer.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Naming } from '../io/checked.ts';
import type { Feeds, StepTime } from './feeds.ts';
import { type Random, random } from './rng.ts';
import { positive, share } from './settings.ts';
import { seenOf } from './texts.ts';

/** Own settings of a method that has tokens filled in; Devlin et al.'s values. */
export const maskedTokenOptions = {
  maskRatio: positive().max(0.99).default(0.15).describe('share of the tokens of a text that are to be told'),
  maskShare: share().default(0.8).describe('share of those in whose place the mask token stands'),
  randomShare: share().default(0.1).describe('share of those in whose place any other token stands; the rest stay'),
};

export type MaskedTokenSettings = Readonly<z.infer<z.ZodObject<typeof maskedTokenOptions>>>;

/** UserError (usage): shares that are more than all. */
export function checkMaskedTokens(method: string, settings: MaskedTokenSettings, name: Naming): void {
  const { maskShare, randomShare } = settings;
  if (maskShare + randomShare <= 1 + 1e-9) return;
  const both = `${name('maskShare')} ${maskShare} and ${name('randomShare')} ${randomShare}`;
  throw new UserError(`method ${method}: ${both} are more than 1 together`, 2);
}

/** How many of so many tokens are chosen: the ratio's share, rounded, and one at least. */
const chosenOf = (tokens: number, ratio: number): number => (tokens <= 0 ? 0 : Math.max(1, Math.round(tokens * ratio)));

/** How many tokens can be chosen of a row of `length` with start and end. */
export const mostChosen = (length: number, { maskRatio }: Pick<MaskedTokenSettings, 'maskRatio'>): number =>
  chosenOf(length - 2, maskRatio);

/** A row of tokens some of which are to be told. */
export interface MaskedRow {
  /** The row with other tokens in places. */
  readonly ids: Uint32Array;
  /** Numbers of the row's tokens that were chosen, in the order in which they were drawn. */
  readonly places: readonly number[];
  /** Which token each of them is. */
  readonly tokens: readonly number[];
}

/**
 * Draws which tokens of a row are to be told, never its start, end and padding, and puts in each one's place the mask token, one of
 * `others`, or itself.
 */
export function maskedRow(
  { ids, count }: TokenRow,
  { maskRatio, maskShare, randomShare }: MaskedTokenSettings,
  draws: Random,
  others: readonly number[],
): MaskedRow {
  const places = drawnPlaces(count - 2, chosenOf(count - 2, maskRatio), draws);
  const shown = ids.slice();
  for (const place of places) {
    const u = draws.uniform();
    if (u < maskShare) shown[place] = maskOfText;
    else if (u < maskShare + randomShare) shown[place] = others[draws.below(others.length)];
  }
  return { ids: shown, places, tokens: places.map((place) => ids[place]) };
}

/** So many different ones of the places 1 … `tokens`: the first steps of Fisher and Yates' shuffle. */
function drawnPlaces(tokens: number, chosen: number, draws: Random): number[] {
  const places = Array.from({ length: tokens }, (_, i) => i + 1);
  for (let i = 0; i < chosen; i++) {
    const other = i + draws.below(tokens - i);
    [places[i], places[other]] = [places[other], places[i]];
  }
  return places.slice(0, chosen);
}

/** What a network is given to fill in; of a text there are M places, of which some may be of no token. */
export interface MaskedInputs {
  /** u32 [N · T] */
  readonly ids: Tensor;
  /** f32 [N, T]: 1 for a token, 0 for padding. */
  readonly seen: Tensor;
  /** u32 [N · M]: the chosen ones among all tokens; the text's first where there is none. */
  readonly rows: Tensor;
  /** u32 [N · M]: which tokens they are. */
  readonly tokens: Tensor;
  /** f32 [N, M]: 1, or 0 where there is none. */
  readonly weights: Tensor;
}

export interface MaskedTokenOptions extends MaskedTokenSettings {
  readonly tokenizer: Tokenizer;
  /** Tokens of a text with its padding, T. */
  readonly length: number;
  /** Tokens of which one may stand in the place of another. */
  readonly others: readonly number[];
}

/** Keeps these draws apart from others of a sample. */
const maskDraw = 0x6d61736b;

/**
 * Texts of a batch some tokens of which are to be told, other ones in each epoch, drawn by seed, epoch and sample.
 *
 * @param textOf a function of its arguments and of nothing else, as feeds are
 */
export function maskedTokens(
  feeds: Feeds,
  options: MaskedTokenOptions,
  textOf: (sample: number, time: StepTime) => string,
): MaskedInputs {
  const { tokenizer, length, others } = options;
  const most = mostChosen(length, options);
  const rowOf = oncePerStep((sample, time) => {
    const row = tokenizer.row(textOf(sample, time), length);
    const draws = random(time.seed, time.epoch, sample, maskDraw);
    return { ...maskedRow(row, options, draws, others), count: row.count };
  });
  const filled = (values: readonly number[], rest: number) => Array.from({ length: most }, (_, i) => values[i] ?? rest);
  const placesOf = (sample: number, place: number, time: StepTime) =>
    rowOf(sample, time).places.map((each) => place * length + each);
  return {
    ids: feeds.rowsOf('tokens', length, (sample, _, time) => rowOf(sample, time).ids),
    seen: feeds.rows('seen tokens', length, (sample, time) => seenOf(rowOf(sample, time).count, length)),
    rows: feeds.rowsOf('masked places', most, (sample, place, time) =>
      filled(placesOf(sample, place, time), place * length),
    ),
    tokens: feeds.rowsOf('masked tokens', most, (sample, _, time) => filled(rowOf(sample, time).tokens, 0)),
    weights: feeds.rows('masked weights', most, (sample, time) =>
      filled(
        rowOf(sample, time).tokens.map(() => 1),
        0,
      ),
    ),
  };
}

/** A function of sample and time that is worked out once for all inputs of a step. */
function oncePerStep<T>(value: (sample: number, time: StepTime) => T): typeof value {
  const known = new WeakMap<StepTime, Map<number, T>>();
  return (sample, time) => {
    let ofStep = known.get(time);
    if (!ofStep) known.set(time, (ofStep = new Map()));
    if (!ofStep.has(sample)) ofStep.set(sample, value(sample, time));
    return ofStep.get(sample)!;
  };
}
