import { dirname } from 'node:path';
import { Command, Option } from 'commander';
import { Embedder } from '../analysis/embed.ts';
import { type DataSplit, dataSplits, openDataset } from '../data/dataset.ts';
import type { ImageSet } from '../data/images.ts';
import { PHOTO_FORMATS } from '../data/photo_names.ts';
import type { Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import { plural } from '../io/counted.ts';
import { checkExtension, checkWritableDir, ensureWritableDir, writeFileAtomic } from '../io/files.ts';
import { npyPieces } from '../io/npy.ts';
import { nameList } from '../io/printable.ts';
import { type EncoderFile, type GivenEncoder, loadEncoderFile, readEncoderFile } from '../train/encoder_file.ts';
import { checkpointFile, printEncoder, printLeftOut, printSkipped } from './common.ts';
import { addDeviceOptions, chooseKernels, type DeviceOptions, openAdapter } from './device.ts';
import { addEncoder, countFrom } from './eval_options.ts';
import { addExclude } from './options.ts';
import { reopening, repeatable } from './reopen.ts';
import { Terminal } from './terminal.ts';
import { imageRate } from './train_output.ts';

interface EmbedCommandOptions extends DeviceOptions, GivenEncoder {
  readonly checkpoint: string;
  readonly data: string;
  readonly exclude?: readonly string[];
  readonly split: DataSplit;
  readonly out: string;
  readonly batchSize: number;
}

/** `simclr embed`: features of images as a NumPy file. */
export function embedCommand(): Command {
  const embedding = addEncoder(
    new Command('embed').description('write the features h of images as a NumPy array, with the list of their files'),
  )
    .requiredOption('--data <folder>', `STL-10’s binary files, or a folder of photos (${PHOTO_FORMATS})`)
    .addOption(
      new Option('--split <name>', 'which images, if the folder is split').choices(dataSplits).default('unlabeled'),
    )
    .option(
      '--out <file>',
      'array to write (.npy), float32 [images, features]; the file of each row goes next to it (.txt), one per line: as it is, or as a JSON string if it has control characters or starts with a double quote',
      'features.npy',
    )
    .option('--batch-size <number>', 'images per batch', countFrom(1), 64);
  addExclude(embedding);
  return addDeviceOptions(embedding).action(embed);
}

async function embed(options: EmbedCommandOptions): Promise<void> {
  const { data, split, exclude, out } = options;
  const terminal = new Terminal();
  checkExtension(out, ['.npy'], 'an array');
  const file = readEncoderFile(checkpointFile(options.checkpoint, terminal), options);
  checkWritableDir(dirname(out));
  printEncoder(file, terminal);
  const gpu = await openAdapter(options.adapter);
  const dataset = await openDataset(data, {
    ...{ split, exclude },
    size: file.imageSize,
    probe: false,
    onProgress: ({ phase, done, total }) => terminal.progress(phase, done, total ?? done),
  });
  const { train: set } = dataset;
  terminal.line(`${data}: ${set.count.toLocaleString('en-US')} ${plural(set.count, 'image')}`);
  printLeftOut(dataset, terminal);
  printSkipped([set], terminal);
  const work = repeatable((device) => featuresOf(set, file, device, options, terminal));
  const features = await reopening(gpu, work, options, terminal);
  const list = `${out.replace(/\.npy$/i, '')}.txt`;
  const names = nameList(Array.from({ length: set.count }, (_, i) => set.files?.[i] ?? String(i)));
  ensureWritableDir(dirname(out));
  const shape = [set.count, features.length / set.count];
  writeFileAtomic(out, npyPieces(features, shape));
  writeFileAtomic(list, names);
  terminal.line(`${out}: float32 [${shape.join(', ')}]`);
  terminal.line(`${list}: the file of each row`);
}

/** Computes the features of a set on a device. */
async function featuresOf(
  set: ImageSet,
  file: EncoderFile,
  gpu: Gpu,
  options: EmbedCommandOptions,
  terminal: Terminal,
): Promise<Float32Array> {
  chooseKernels(gpu, options, terminal);
  const state = new State(gpu);
  const encoder = loadEncoderFile(state, file);
  const batchSize = Math.min(options.batchSize, set.count);
  const embedder = await Embedder.create(state, encoder, set, { ...file, batchSize });
  return embedder.embed(set, undefined, (done) => terminal.progress('images', done, set.count, { rate: imageRate }));
}
