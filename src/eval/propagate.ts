/** Masks of objects, or colours, of the first frame of a clip carried through the clip by the places of an encoder. */
import { type Clip, clipsOf } from '../data/clips.ts';
import type { ImageSet } from '../data/images.ts';
import { hostImages } from '../data/source.ts';
import { UserError } from '../errors.ts';
import { Program } from '../graph/program.ts';
import { bytesPerElement } from '../graph/tensor.ts';
import { input, trace } from '../graph/trace.ts';
import { counted } from '../io/counted.ts';
import { preprocess } from '../ops/augment.ts';
import { formatBytes } from '../report/numbers.ts';
import type { Pixels } from '../ssl/pixels.ts';
import { copiedFrom, type PropagationOptions } from '../ssl/propagation.ts';
import { type Cargo, type Compared, coloursAsCargo, masksAsCargo } from './carried.ts';
import { carryThrough, placeMeans } from './carry_through.ts';
import type { Evaluation, Outcome } from './evaluation.ts';
import { type ClipMasks, type MaskedClip, maskedClips, openMasks } from './masked_clips.ts';
import { pixelsOf } from './photographs.ts';
import { type Places, placesOf } from './places.ts';
import { type ClipResult, propagateOutcome, type SheetRow } from './propagate_results.ts';

export interface PropagateSettings extends Partial<PropagationOptions> {
  /** A mask of the first frame of the first clip, or a folder of masks; colours are carried where there are none. */
  readonly masks?: string;
  /** Of the encoder, from 1: its map is taken as it is. */
  readonly stage?: number;
  /** Every so many frames one is taken. */
  readonly frameStep: number;
  readonly onFrame?: (done: number, total: number) => void;
}

/** For maps, which nobody has trained with a temperature. */
export const propagateDefaults: PropagationOptions = { frames: 4, temperature: 0.02 };

/** Frames of a clip on the sheet. */
const shownFrames = 6;

/** `simclr eval propagate`: the masks or the colours of first frames, carried through clips. */
export async function evalPropagate(
  evaluation: Evaluation,
  path: string,
  { masks, stage, frameStep, onFrame, ...given }: PropagateSettings,
): Promise<Outcome> {
  const places = placesOf(evaluation, stage);
  const { learnt } = places;
  const options: PropagationOptions = {
    frames: given.frames ?? learnt.references ?? propagateDefaults.frames,
    temperature: given.temperature ?? learnt.temperature ?? propagateDefaults.temperature,
  };
  const { train: set } = await evaluation.photos(path);
  const { clips, short } = clipsEvery(set, frameStep);
  const masked = masks === undefined ? undefined : maskedClips(clips, set, masks);
  const taken: readonly (Clip | MaskedClip)[] = masked ?? clips;
  checkRoom(evaluation, places, taken, options.frames);
  const total = taken.reduce((sum, { frames }) => sum + frames.length, 0);
  const results: ClipResult[] = [];
  let done = 0;
  const embedder = await PlaceEmbedder.create(evaluation, places, set);
  try {
    for (const clip of taken) {
      const onArrival = () => onFrame?.(++done, total);
      const asked = { evaluation, embedder, set, clip, options, frameStep, onArrival };
      results.push(await carryClip(asked, 'masks' in clip ? await openMasks(clip, set) : undefined));
    }
  } finally {
    embedder.destroy();
  }
  const about = { data: path, masks: masks ?? null, frameStep, ...options };
  return propagateOutcome(evaluation, places, about, results, { short, unmasked: clips.length - taken.length });
}

/** UserError: the device cannot hold how places of a frame point at those of all that it copies from. */
function checkRoom({ state }: Evaluation, { stage, side }: Places, clips: readonly Clip[], frames: number): void {
  const longest = Math.max(...clips.map((clip) => clip.frames.length));
  const sources = copiedFrom(longest - 1, frames).length;
  const { limits, adapter } = state.gpu.traits;
  const bytes = bytesPerElement * side ** 4 * sources;
  const most = limits.maxStorageBufferBindingSize;
  if (bytes <= most) return;
  const points = `${side}×${side} places that point at those of ${counted(sources, 'frame')} take ${formatBytes(bytes)}`;
  throw new UserError(
    `stage ${stage}: ${points}, but '${adapter}' binds at most ${formatBytes(most)}; give a coarser --stage, fewer --frames or a smaller --image-size`,
    2,
  );
}

/** Clips of every so many frames, and how many have just one. UserError: all of them. */
function clipsEvery(set: ImageSet, step: number): { readonly clips: Clip[]; readonly short: number } {
  const all = clipsOf(set).map(({ name, frames }) => ({ name, frames: frames.filter((_, t) => t % step === 0) }));
  const clips = all.filter(({ frames }) => frames.length > 1);
  if (clips.length > 0) return { clips, short: all.length - clips.length };
  throw new UserError(`--frame-step ${step}: no clip of ${set.name} has more than ${counted(step, 'frame')}`, 2);
}

/** The embeddings of the places of an image. */
class PlaceEmbedder {
  private constructor(
    private readonly program: Program<'places'>,
    readonly places: Places,
    private readonly set: ImageSet,
  ) {}

  static async create({ state, file }: Evaluation, places: Places, set: ImageSet): Promise<PlaceEmbedder> {
    const { imageSize: size, mean, std } = file;
    const { graph, result } = trace(() => {
      const images = hostImages(set).images(input('indices', [1], 'u32'));
      const views = preprocess(images, { height: set.height, width: set.width, size, mean, std });
      return { places: places.embed(views) };
    });
    return new PlaceEmbedder(await Program.compile(graph, state, result), places, set);
  }

  async of(image: number): Promise<Float32Array> {
    const { places } = await this.program.run(hostImages(this.set).inputs(Uint32Array.of(image))).read();
    if ((places as Float32Array).every(Number.isFinite)) return places as Float32Array;
    throw new UserError(
      `${this.set.files![image]}: its places are not finite numbers; the encoder's training diverged`,
    );
  }

  destroy(): void {
    this.program.destroy();
  }
}

interface Asked {
  readonly evaluation: Evaluation;
  readonly embedder: PlaceEmbedder;
  readonly set: ImageSet;
  readonly clip: Clip;
  readonly options: PropagationOptions;
  readonly frameStep: number;
  readonly onArrival: () => void;
}

async function carryClip(asked: Asked, masks: ClipMasks | undefined): Promise<ClipResult> {
  const { evaluation, embedder, set, clip, options, frameStep, onArrival } = asked;
  const { name, frames } = clip;
  const size = set.width;
  const { side, dimensions } = embedder.places;
  const frameOf = (t: number): Pixels => ({ side: size, rgb: pixelsOf(set, frames[t]) });
  const cargo: Cargo = masks ? masksAsCargo(size, masks.colours, masks.truth, masks.first) : coloursAsCargo(frameOf);
  const { channels } = cargo;
  const journey = {
    ...{ ...options, length: frames.length, side, dimensions, channels, size },
    ...{ embed: (t: number) => embedder.of(frames[t]), first: placeMeans(cargo.first, size, side, channels) },
  };
  const [scores, rows, files]: [Compared[], SheetRow[], Record<string, Buffer>] = [[], [], {}];
  const onSheet = spread(frames.length, shownFrames);
  let t = 0;
  for await (const values of carryThrough(evaluation.state, journey)) {
    const { pictures, scores: own, mask } = await cargo.arrive(t, frameOf(t), values);
    if (own) scores.push(own);
    if (mask) files[`labels/${set.files![frames[t]].replace(/\.[^./]*$/, '')}.png`] = mask;
    if (onSheet.has(t)) rows.push({ caption: captionOf(t, frameStep), pictures });
    t++;
    onArrival();
  }
  return { clip: name, length: frames.length, objects: masks?.colours.slice(1) ?? [], scores, rows, files };
}

/** Some of so many, evenly, the first and the last among them. */
const spread = (length: number, some: number): ReadonlySet<number> =>
  new Set(Array.from({ length: some }, (_, i) => Math.round((i * (length - 1)) / (some - 1))));

const captionOf = (t: number, step: number): string => `frame ${t * step + 1}${t === 0 ? ', given' : ''}`;
