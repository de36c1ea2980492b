/** What `simclr eval propagate` tells: scores of clips in a table, and a sheet of their frames. */
import { counted } from '../io/counted.ts';
import { describeEncoder } from '../nn/encoder_shape.ts';
import { decimal, percent } from '../report/numbers.ts';
import { pictureSheet, type SheetColumn } from '../report/picture_sheet.ts';
import type { Pixels } from '../ssl/pixels.ts';
import type { PropagationOptions } from '../ssl/propagation.ts';
import type { Arrival, Compared } from './carried.ts';
import type { Evaluation, Outcome } from './evaluation.ts';
import type { Places } from './places.ts';

/** What became of a clip. */
export interface ClipResult {
  readonly clip: string;
  readonly length: number;
  /** Colours of the objects of its mask, without black. */
  readonly objects: readonly number[];
  /** Of the frames behind the first that have a truth. */
  readonly scores: readonly Compared[];
  readonly rows: readonly SheetRow[];
  /** Masks by their files' names. */
  readonly files: Readonly<Record<string, Buffer>>;
}

export interface SheetRow {
  readonly caption: string;
  readonly pictures: Arrival['pictures'];
}

/** What was asked for. */
export interface About extends PropagationOptions {
  readonly data: string;
  readonly masks: string | null;
  readonly frameStep: number;
}

/**
 * The table, the numbers and the sheet.
 * @param left clips that were left out: of one frame, and without a mask
 */
export function propagateOutcome(
  evaluation: Evaluation,
  { by, stage, side, dimensions }: Places,
  about: About,
  results: readonly ClipResult[],
  left: { readonly short: number; readonly unmasked: number },
): Outcome {
  const what = about.masks === null ? 'colours' : 'masks';
  const seen = evaluation.file.input === 'lightness' || what === 'masks';
  const where =
    by === 'trained' ? `its trained embedding of ${side}×${side} places` : `its map of ${side}×${side} places`;
  const title = `${what} carried through ${counted(results.length, 'clip')} by ${describeEncoder(evaluation.file)}: ${where} (stage ${stage})`;
  const measured = results.flatMap((result) => (result.scores.length > 0 ? [meansOf(result)] : []));
  const show = what === 'masks' ? percent : (value: number) => decimal(value, 2);
  const rows = results.map((result) => [
    ...[result.clip, String(result.length), ...(what === 'masks' ? [String(result.objects.length)] : [])],
    ...(result.scores.length > 0 ? Object.values(meansOf(result)).map(show) : ['–', '–']),
  ]);
  const all = { carried: mean(measured.map((of) => of.carried)), samePlace: mean(measured.map((of) => of.samePlace)) };
  const blank = what === 'masks' ? ['', ''] : [''];
  return {
    title,
    header: [
      'clip',
      'frames',
      ...(what === 'masks' ? ['objects', 'J carried', 'J same place'] : ['carried', 'same place']),
    ],
    rows: measured.length > 1 ? [...rows, ['mean', ...blank, show(all.carried), show(all.samePlace)]] : rows,
    notes: [
      measured.length > 0 ? notesOf[what] : 'there are no masks of frames behind the first to compare with',
      ...(seen ? [] : ['this encoder sees the colours that are carried, and may go by them alone']),
      ...leftOut(left.short, 'of one frame'),
      ...leftOut(left.unmasked, 'without a mask of the first frame'),
    ],
    json: {
      ...evaluation.facts(),
      ...about,
      places: { by, stage, side, dimensions },
      ...{ carried: what, clips: results.map(factsOf), ...(measured.length > 0 && { mean: all }) },
    },
    files: {
      'propagate.png': pictureSheet(`${what} carried by ${describeEncoder(evaluation.file)}`, columnsOf(what, results)),
      ...Object.assign({}, ...results.map(({ files }) => files)),
    },
  };
}

const leftOut = (clips: number, why: string): string[] =>
  clips > 0 ? [`left out: ${counted(clips, 'clip')} ${why}`] : [];

const notesOf = {
  masks:
    'J: |A ∩ B| / |A ∪ B| in %, mean over objects and over the frames behind the first that have masks; same place: the first mask left where it is',
  colours:
    'mean distance of the colours from the true ones, in a and b of Lab: less is better; same place: the first frame’s colours left where they are',
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const meansOf = ({ scores }: Pick<ClipResult, 'scores'>) => ({
  carried: mean(scores.map(({ carried }) => mean(carried))),
  samePlace: mean(scores.map(({ samePlace }) => mean(samePlace))),
});

/** What the JSON file says of a clip. */
function factsOf(result: ClipResult) {
  const { clip, length, objects, scores } = result;
  const ofObject = (i: number) => ({
    carried: mean(scores.map(({ carried }) => carried[i])),
    samePlace: mean(scores.map(({ samePlace }) => samePlace[i])),
  });
  const named = (colour: number) => `#${colour.toString(16).padStart(6, '0')}`;
  const some = scores.length > 0;
  return {
    ...{ clip, frames: length, measured: scores.length, ...(some && meansOf(result)) },
    ...(objects.length > 0 && {
      objects: objects.map((colour, i) => ({ color: named(colour), ...(some && ofObject(i)) })),
    }),
  };
}

/** Clips on the sheet. */
const shownClips = 3;

/** Frames in rows, three columns for each clip; no truth is a grey square. */
function columnsOf(what: 'masks' | 'colours', results: readonly ClipResult[]): SheetColumn[] {
  const labels = what === 'masks' ? ['frame', 'mask carried', 'true mask'] : ['lightness', 'colours carried', 'truth'];
  return results.slice(0, shownClips).flatMap(({ clip, rows }) => {
    const { side } = rows[0].pictures[0];
    const unknown: Pixels = { side, rgb: new Uint8Array(3 * side * side).fill(225) };
    return labels.map((label, i) => ({
      label: i === 0 && clip !== '.' ? `${clip}: ${label}` : label,
      pictures: rows.map(({ pictures }) => pictures[i] ?? unknown),
      captions: rows.map(({ caption, pictures }) => [caption, '', pictures[2] ? '' : 'not known'][i]),
    }));
  });
}
