import { dirname } from 'node:path';
import { Command, Option } from 'commander';
import { Embedder } from '../analysis/embed.ts';
import { SequenceEmbedder } from '../analysis/embed_sequences.ts';
import { TextEmbedder } from '../analysis/embed_texts.ts';
import { type DataSplit, type Dataset, dataSplits, openDataset } from '../data/dataset.ts';
import type { ImageSet, OnProgress } from '../data/images.ts';
import { SEQUENCE_FORMATS } from '../data/open_sequences.ts';
import { openTexts } from '../data/open_texts.ts';
import { PHOTO_FORMATS } from '../data/photo_names.ts';
import { type DataKind, nounOf, type SampleSet } from '../data/samples.ts';
import type { SequenceSet } from '../data/sequences.ts';
import type { TextSet } from '../data/texts.ts';
import { State } from '../graph/state.ts';
import { plural } from '../io/counted.ts';
import { checkExtension, checkWritableDir } from '../io/files.ts';
import { rowTableExtensions } from '../io/row_table.ts';
import { type EncoderFile, type GivenEncoder, loadEncoderFile, readEncoderFile } from '../train/encoder_file.ts';
import { checkSameEvaluation } from '../train/same_images.ts';
import {
  describeWindows,
  loadSequenceEncoder,
  openSequencesFor,
  readSequenceEncoder,
  type SequenceEncoderFile,
} from '../train/sequence_encoder_file.ts';
import type { SetEmbedder } from '../train/set_embedder.ts';
import { sharedEmbedder } from '../train/shared_embedder.ts';
import { loadTextEncoder, readTextEncoder, type TextEncoderFile } from '../train/text_encoder_file.ts';
import { checkpointFile, printEncoder, printLeftOut, printSkipped } from './common.ts';
import { addDeviceOptions, chooseKernels, type DeviceOptions, openAdapter } from './device.ts';
import { addEncoder, countFrom, refuseOfImages } from './eval_options.ts';
import { featureExtensions, holdsLabels, writeFeatures } from './feature_files.ts';
import { addExclude } from './options.ts';
import { adapterOf, introduceDevices, leads, pathOfFirst, type Team, terminalOf, withRanks } from './ranks.ts';
import { reopening, repeatable } from './reopen.ts';
import type { Terminal } from './terminal.ts';
import { dataForms } from './train_data.ts';
import { throughput } from './train_output.ts';

interface EmbedCommandOptions extends DeviceOptions, GivenEncoder {
  readonly checkpoint: string;
  readonly data: string;
  readonly exclude?: readonly string[];
  readonly split: DataSplit;
  readonly out: string;
  readonly batchSize: number;
}

/** `simclr embed`: features of images, of sequences or of texts, as a NumPy array or a table. */
export function embedCommand(): Command {
  const embedding = addEncoder(
    new Command('embed').description(
      'write the features h of images, as a NumPy array with the list of their files, or as a table',
    ),
  )
    .requiredOption(
      '--data <folder>',
      `STL-10’s binary files, or a folder of photos (${PHOTO_FORMATS}); for an encoder of sequences a folder of them (${SEQUENCE_FORMATS}), or one such file; for one of texts ${dataForms.texts}`,
    )
    .addOption(
      new Option('--split <name>', 'which images, if the folder is split').choices(dataSplits).default('unlabeled'),
    )
    .option(
      '--out <file>',
      `file to write: an array (.npy), float32 [images, features], with the file, or the text, of each row next to it (.txt), one per line: as it is, or as a JSON string if it has control characters or starts with a double quote; or a table (${rowTableExtensions.join(', ')}) of file, label where folders are classes, and features`,
      'features.npy',
    )
    .option('--batch-size <number>', 'images per batch', countFrom(1), 64);
  addExclude(embedding);
  return addDeviceOptions(embedding).action(embed);
}

const embed = (options: EmbedCommandOptions, command: Command): Promise<void> =>
  withRanks((team) => embedAll(options, command, team));

/** Computes and writes the features; of several processes each computes a part, and the first writes. */
async function embedAll(options: EmbedCommandOptions, command: Command, team: Team | undefined): Promise<void> {
  const { data, out } = options;
  const terminal = terminalOf(team);
  checkExtension(out, featureExtensions, 'features');
  const checkpoint = await pathOfFirst(team, () => checkpointFile(options.checkpoint, terminal));
  const { encoder, kind, file, open, embedderFor } = subjectOf(checkpoint, options, command);
  if (leads(team)) checkWritableDir(dirname(out));
  encoder(terminal);
  const gpu = await openAdapter(await adapterOf(options.adapter, team));
  if (team) await introduceDevices(team, gpu.traits.adapter, terminal);
  const dataset = await open(({ phase, done, total }) => terminal.progress(phase, done, total ?? done));
  const { train: set } = dataset;
  terminal.line(`${data}: ${set.count.toLocaleString('en-US')} ${plural(set.count, nounOf[kind])}`);
  printLeftOut(dataset, terminal);
  printSkipped([set], terminal);
  await checkSameEvaluation(team?.ranks, file, data, dataset);
  const work = repeatable(
    async (device) => {
      chooseKernels(device, options, terminal);
      const embedder = sharedEmbedder(await embedderFor(new State(device), set), team?.ranks);
      const rate = (perSecond: number) => throughput(perSecond, kind);
      return embedder.embed(set, undefined, (done) => terminal.progress(kind, done, set.count, { rate }));
    },
    () => team !== undefined,
  );
  const features = await reopening(gpu, work, options, terminal);
  if (leads(team)) for (const line of writeFeatures(out, set, features)) terminal.line(line);
}

/** What is embedded, by what encoder: images, sequences or texts. */
interface Subject {
  readonly kind: DataKind;
  readonly file: { readonly path: string; readonly digest: string };
  /** Prints what the encoder takes. */
  encoder(terminal: Terminal): void;
  open(onProgress: OnProgress): Promise<Dataset<SampleSet>>;
  embedderFor(state: State, set: SampleSet): Promise<SetEmbedder>;
}

/** UserError: no encoder, or options that it has no use for. */
function subjectOf(checkpoint: string, options: EmbedCommandOptions, command: Command): Subject {
  const labels = holdsLabels(options.out);
  const sequences = readSequenceEncoder(checkpoint);
  if (sequences) refuseOfImages('sequences', command);
  if (sequences) return ofSequences(sequences, options, labels);
  const texts = readTextEncoder(checkpoint);
  if (texts) refuseOfImages('texts', command);
  return texts ? ofTexts(texts, options, labels) : ofImages(readEncoderFile(checkpoint, options), options, labels);
}

const ofImages = (
  file: EncoderFile,
  { data, split, exclude, batchSize }: EmbedCommandOptions,
  labels: boolean,
): Subject => ({
  ...{ kind: 'images', file },
  encoder: (terminal) => printEncoder(file, terminal),
  open: (onProgress) =>
    openDataset(data, { ...{ split, exclude, onProgress, labels }, size: file.imageSize, probe: false }),
  embedderFor: (state, set) =>
    Embedder.create(state, loadEncoderFile(state, file), set as ImageSet, {
      ...file,
      batchSize: Math.min(batchSize, set.count),
    }),
});

function ofSequences(file: SequenceEncoderFile, options: EmbedCommandOptions, labels: boolean): Subject {
  const { data, exclude, batchSize } = options;
  return {
    ...{ kind: 'sequences', file },
    encoder: (terminal) => terminal.line(`encoder    ${describeWindows(file)}`),
    open: (onProgress) => openSequencesFor(file, data, { exclude, onProgress, probe: false, labels, whole: true }),
    embedderFor: (state, set) =>
      SequenceEmbedder.create(state, loadSequenceEncoder(state, file), set as SequenceSet, {
        window: file.window,
        batchSize,
      }),
  };
}

function ofTexts(file: TextEncoderFile, options: EmbedCommandOptions, labels: boolean): Subject {
  const { data, exclude, batchSize } = options;
  return {
    ...{ kind: 'texts', file },
    encoder: (terminal) => terminal.line(`encoder    ${file.description}`),
    open: (onProgress) => openTexts(data, { exclude, onProgress, probe: false, labels }),
    embedderFor: (state, set) =>
      TextEmbedder.create(state, loadTextEncoder(state, file), {
        batchSize: Math.min(batchSize, (set as TextSet).count),
      }),
  };
}
