/** What is known of a clip's first frame, carried through the clip frame by frame, however long it is. */
import { Program } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import { input, trace } from '../graph/trace.ts';
import { carry, pointer } from '../losses/pointer.ts';
import { interpolate } from '../ops/interpolate.ts';
import { copiedFrom, type PropagationOptions } from '../ssl/propagation.ts';

export interface Journey extends PropagationOptions {
  /** Frames of the clip. */
  readonly length: number;
  /** Places in a row, and numbers of the embedding of one. */
  readonly side: number;
  readonly dimensions: number;
  /** The embeddings [side², dimensions] of frame t, asked for once each, in their order. */
  readonly embed: (t: number) => Promise<Float32Array>;
  /** What is known of the places of the first frame: [side², channels]. */
  readonly first: Float32Array;
  readonly channels: number;
  /** Side of the frames in pixels. */
  readonly size: number;
}

/** A frame that later ones copy from. */
interface Source {
  readonly places: Float32Array;
  readonly known: Float32Array;
}

/**
 * As `propagate`, but of one frame after another, so that memory goes by the frames that are copied from and not by the length of the clip.
 * Gives of each frame what reached its places, bilinearly enlarged: [size, size, channels]; of the first frame what was given.
 */
export async function* carryThrough(state: State, journey: Journey): AsyncGenerator<Float32Array> {
  const { length, embed, first, frames } = journey;
  const steps = new Map<number, Program<'carried'>>();
  const enlarge = await enlargement(state, journey);
  const sources = new Map<number, Source>();
  try {
    for (let t = 0; t < length; t++) {
      const places = await embed(t);
      const from = t > 0 ? copiedFrom(t, frames).map((s) => sources.get(s)!) : [];
      // The first frames have fewer before them, and so programs of their own.
      if (t > 0 && !steps.has(from.length)) steps.set(from.length, await carrying(state, journey, from.length));
      const known = t > 0 ? await carried(steps.get(from.length)!, places, from) : first;
      sources.set(t, { places, known });
      if (t > frames) sources.delete(t - frames);
      yield (await enlarge.run({ known }).read()).enlarged as Float32Array;
    }
  } finally {
    for (const program of [enlarge, ...steps.values()]) program.destroy();
  }
}

async function carried(step: Program<'carried'>, target: Float32Array, from: readonly Source[]): Promise<Float32Array> {
  const reference = joined(from.map(({ places }) => places));
  const known = joined(from.map((source) => source.known));
  return (await step.run({ target, reference, known }).read()).carried as Float32Array;
}

/** One frame copies from so many others. */
function carrying(
  state: State,
  { side, dimensions, channels, temperature }: Journey,
  sources: number,
): Promise<Program<'carried'>> {
  const places = side * side;
  const { graph, result } = trace(() => {
    const target = input('target', [1, places, dimensions], 'f32');
    const reference = input('reference', [1, sources * places, dimensions], 'f32');
    const known = input('known', [1, sources * places, channels], 'f32');
    return { carried: carry(pointer(target, reference, { temperature }), known) };
  });
  return Program.compile(graph, state, result);
}

function enlargement(state: State, { side, channels, size }: Journey): Promise<Program<'enlarged'>> {
  const { graph, result } = trace(() => ({
    enlarged: interpolate(input('known', [1, side, side, channels], 'f32'), [size, size]),
  }));
  return Program.compile(graph, state, result);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Means over the pixels of each place of values [size, size, channels]: [side², channels]. A place has whole pixels. */
export function placeMeans(values: ArrayLike<number>, size: number, side: number, channels: number): Float32Array {
  const pixels = size / side;
  const means = new Float32Array(side * side * channels);
  for (let i = 0; i < size * size; i++) {
    const place = Math.floor(Math.floor(i / size) / pixels) * side + Math.floor((i % size) / pixels);
    for (let c = 0; c < channels; c++) means[place * channels + c] += values[i * channels + c] / (pixels * pixels);
  }
  return means;
}
