/** Where the encoder looks: the attention of its stages, or of a vision transformer's class token, over a few pictures. */
import type { TrainSplit } from '../data/dataset.ts';
import type { ImageSet } from '../data/images.ts';
import { hostImages } from '../data/source.ts';
import { UserError } from '../errors.ts';
import { Program } from '../graph/program.ts';
import { input, trace } from '../graph/trace.ts';
import { counted } from '../io/counted.ts';
import type { Encoder, EncoderWithMaps } from '../nn/encoder.ts';
import { describeEncoder } from '../nn/encoder_shape.ts';
import { preprocess } from '../ops/augment.ts';
import { pictureSheet } from '../report/picture_sheet.ts';
import { attentionKind, attentionMaps } from '../ssl/attention_maps.ts';
import { StepFeeds } from '../ssl/feeds.ts';
import type { PictureColumn } from '../ssl/method.ts';
import { type Evaluation, encoderWithMaps, type Outcome } from './evaluation.ts';

/** Pictures that are shown where nobody says how many. */
export const fewPictures = 8;

export interface AttentionSettings {
  /** Pictures, spread evenly over the test images, or over all where there are no labels. */
  readonly count: number;
  readonly split: TrainSplit;
}

/** `simclr eval attention`: a sheet of pictures, and beside each what the encoder's stages or heads attend to. */
export async function evalAttention(
  evaluation: Evaluation,
  path: string,
  { count, split }: AttentionSettings,
): Promise<Outcome> {
  const { file } = evaluation;
  const encoder = encoderWithMaps(evaluation);
  const { probe, train } = await evaluation.images(path, split);
  const set = probe?.test ?? train;
  if (count > set.count) throw new UserError(`--count ${count}: ${path} has only ${counted(set.count, 'image')}`, 2);
  const indices = Uint32Array.from({ length: count }, (_, i) => Math.floor((i * set.count) / count));
  const [pictures, ...maps] = await attentionOf(evaluation, encoder, set, indices);
  const images = Array.from(indices, (index) => ({ image: index, ...namesOf(set, index) }));
  const captions = images.map((image) => image.class ?? image.file ?? `image ${image.image}`);
  const title = `attention of ${describeEncoder(file)}: ${attentionKind(encoder)}`;
  const of = encoder.classAttention ? 'heads' : 'stages';
  return {
    ...{ title: `${title}, ${counted(count, 'picture')}`, header: [], rows: [], notes: [] },
    json: { ...evaluation.facts(), data: path, images, [of]: maps.map(({ label }) => label) },
    files: { 'attention.png': pictureSheet(title, [{ ...pictures, captions }, ...maps]) },
  };
}

/** The columns of the sheet: images as the encoder is given them, whole, and what it attends to. */
async function attentionOf(
  { state, file: { imageSize: size, mean, std } }: Evaluation,
  encoder: Encoder & EncoderWithMaps,
  set: ImageSet,
  indices: Uint32Array,
): Promise<readonly PictureColumn[]> {
  const figure = attentionMaps(encoder, { side: size, colours: { mean, std } });
  const source = hostImages(set);
  const feeds = new StepFeeds(indices.length);
  const { graph, result } = trace(() => {
    const images = source.images(input('indices', [indices.length], 'u32'));
    return figure.record([preprocess(images, { height: set.height, width: set.width, size, mean, std })], feeds);
  });
  const program = await Program.compile(graph, state, result);
  try {
    return figure.columns(await program.run(source.inputs(indices)).read());
  } finally {
    program.destroy();
  }
}

const namesOf = ({ files, labels, classNames }: ImageSet, i: number) => ({
  ...(files && { file: files[i] }),
  ...(labels && classNames && { class: classNames[labels[i]] }),
});
