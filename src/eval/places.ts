/** The places of a frame that point at each other when something is carried through a clip: what an encoder says of each. */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { input, trace } from '../graph/trace.ts';
import { readSafetensors } from '../io/safetensors.ts';
import type { EncoderWithMaps } from '../nn/encoder.ts';
import { isVit } from '../nn/encoder_shape.ts';
import { PlaceEmbedding } from '../nn/place_embedding.ts';
import { writeEntries } from '../nn/state_dict.ts';
import { cast } from '../ops/cast.ts';
import { l2Normalize } from '../ops/l2_normalize.ts';
import { reshape } from '../ops/reshape.ts';
import { floatTensors, modulePrefix } from '../train/checkpoint_tensors.ts';
import { type Evaluation, encoderWithMaps } from './evaluation.ts';

export interface Places {
  /** `trained`: by an embedding that a run has learnt to copy colours with; `map`: by the map of a stage, as it is. */
  readonly by: 'trained' | 'map';
  /** The stage whose map has them, 1: the finest. */
  readonly stage: number;
  /** Places in a row. */
  readonly side: number;
  /** Numbers of an embedding. */
  readonly dimensions: number;
  /** What was learnt with; nothing of a map. */
  readonly learnt: { readonly temperature?: number; readonly references?: number };
  /** Views [N, S, S, 4] → embeddings of their places, row by row, of unit length: [N, side², dimensions]. */
  readonly embed: (views: Tensor) => Tensor;
}

/** Side of the largest map that is taken where nobody says which. */
const mostPlaces = 28;
const inference = { training: false };

/**
 * The places of an encoder: of a run that has learnt to embed them, those, and of any other, or where a stage is asked for, the map of
 * a stage with rows of unit length, by default that of the first with at most 28×28 places.
 *
 * @throws UserError no maps, or of overlapping patches, no such stage, a map of one place, or images that are not whole places
 */
export function placesOf(evaluation: Evaluation, stage?: number): Places {
  const { imageSize, input: seen } = evaluation.file;
  if (seen === 'patches') {
    throw new UserError(
      'the encoder sees overlapping patches (--input patches), which are no places; give another one',
    );
  }
  const encoder = encoderWithMaps(evaluation);
  const { result: shapes } = trace(() =>
    encoder.maps(input('views', [1, imageSize, imageSize, 4], 'f32'), inference).map(({ shape }) => shape),
  );
  if (stage !== undefined && stage > shapes.length) {
    throw new UserError(`--stage ${stage}: the encoder has stages 1 to ${shapes.length}`, 2);
  }
  const trained = stage === undefined ? trainedPlaces(evaluation, encoder) : undefined;
  const fine = 1 + shapes.findIndex(([, side]) => side <= mostPlaces);
  const chosen = stage ?? trained?.stage ?? (fine || shapes.length);
  const [, side, , channels] = shapes[chosen - 1];
  if (!isVit(evaluation.file.architecture)) checkPlaces(imageSize, side, chosen);
  if (trained) return { ...trained, by: 'trained', side };
  const embed = (views: Tensor) => ofMap(encoder.maps(views, inference)[chosen - 1]);
  return { by: 'map', stage: chosen, side, dimensions: channels, learnt: {}, embed };
}

function checkPlaces(imageSize: number, side: number, stage: number): void {
  const pixels = imageSize / side;
  // Maps are halved from one to the next, and sides that are odd rounded.
  const stride = 2 ** Math.round(Math.log2(pixels));
  const remedy = `or another --stage`;
  if (pixels !== stride) {
    const whole = `must be a multiple of ${stride}, the pixels of a place of stage ${stage}`;
    throw new UserError(`--image-size (${imageSize}) ${whole}; give one that is, ${remedy}`, 2);
  }
  if (side < 2) {
    throw new UserError(
      `--image-size (${imageSize}): stage ${stage} has one place then; give a larger one, ${remedy}`,
      2,
    );
  }
}

/** Rows of unit length of a map [N, h, w, C]. */
function ofMap(map: Tensor): Tensor {
  const [n, height, width, channels] = map.shape;
  const rows = l2Normalize(reshape(cast(map, 'f32'), [n * height * width, channels]));
  return reshape(rows, [n, height * width, channels]);
}

const lateral = /^places\.lateral(\d+)\.weight$/;
const learntSchema = z.object({ temperature: z.number().positive(), references: z.number().int().min(1) }).partial();

/** The embedding that a run's checkpoint has beside its encoder; undefined where it has none. */
function trainedPlaces({ state, file: { path } }: Evaluation, encoder: EncoderWithMaps & { dimensions: number }) {
  const { tensors, metadata } = readSafetensors(path);
  const own = [...tensors].flatMap(([name, tensor]) =>
    name.startsWith(`${modulePrefix}places.`) ? [[name.slice(modulePrefix.length), tensor] as const] : [],
  );
  const stages = own.flatMap(([name]) => Number(name.match(lateral)?.[1] ?? []));
  if (stages.length === 0) return undefined;
  const stage = Math.min(...stages);
  const dimensions = new Map(own).get(`places.lateral${stage}.weight`)!.shape[0];
  const embedding = new PlaceEmbedding('places', { channels: encoder.dimensions, stage, dimensions, seed: 0 });
  writeEntries(state, embedding.parameters, floatTensors(own, path), path);
  const { data: learnt = {} } = learntSchema.safeParse(JSON.parse(metadata['settings'] ?? '{}'));
  return { stage, dimensions, learnt, embed: (views: Tensor) => embedding.forward(encoder.maps(views, inference)) };
}
