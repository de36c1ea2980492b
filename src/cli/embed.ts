import { dirname } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type DataSplit, dataSplits, openDataset } from '../data/dataset.ts';
import { ensureWritableDir, writeFileAtomic } from '../data/files.ts';
import { npyPieces } from '../data/npy.ts';
import { Embedder } from '../eval/embed.ts';
import { State } from '../graph/state.ts';
import { resnetFeatures } from '../nn/resnet.ts';
import { loadModel, readCheckpoint } from '../train/checkpoint.ts';
import { normalization } from '../train/settings.ts';
import { printSkipped } from './common.ts';
import { addDeviceOptions, chooseKernels, type DeviceOptions, openAdapter } from './device.ts';
import { Terminal } from './terminal.ts';

interface EmbedCommandOptions extends DeviceOptions {
  readonly checkpoint: string;
  readonly data: string;
  readonly split: DataSplit;
  readonly out: string;
  readonly batchSize: number;
}

/** `simclr embed`: features of images as a NumPy file. */
export function embedCommand(): Command {
  const embedding = new Command('embed')
    .description('write the features h of images as a NumPy array, and the list of their files')
    .requiredOption('--checkpoint <file>', 'a checkpoint of a run')
    .requiredOption('--data <folder>', 'STL-10’s binary files, or a folder of PNG and JPEG photos')
    .addOption(
      new Option('--split <name>', 'which images, where the folder has such parts')
        .choices(dataSplits)
        .default('unlabeled'),
    )
    .option('--out <file>', 'the array to write, float32 [images, 512]; file names go beside it (.txt)', 'features.npy')
    .option('--batch-size <number>', 'images at a time', positiveInteger, 64);
  return addDeviceOptions(embedding).action(embed);
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It is not a whole number above 0.');
  return value;
}

async function embed({ checkpoint: path, data, split, out, batchSize, ...device }: EmbedCommandOptions): Promise<void> {
  const terminal = new Terminal();
  ensureWritableDir(dirname(out));
  const checkpoint = readCheckpoint(path);
  const { imageSize } = checkpoint.settings;
  const gpu = await openAdapter(device.adapter);
  chooseKernels(gpu, device, terminal);
  const { train: set } = await openDataset(data, {
    split,
    size: imageSize,
    probe: false,
    onProgress: ({ phase, done, total }) => terminal.progress(phase, done, total ?? done),
  });
  terminal.line(`${data}: ${set.count.toLocaleString('en-US')} images`);
  printSkipped([set], terminal);
  const state = new State(gpu);
  const model = loadModel(state, checkpoint);
  const options = { imageSize, batchSize: Math.min(batchSize, set.count), ...normalization(checkpoint.settings) };
  const embedder = await Embedder.create(state, model, set, options);
  const features = await embedder.embed(set, undefined, (done) => terminal.progress('images', done, set.count));
  writeFileAtomic(out, npyPieces(features, [set.count, resnetFeatures]));
  const list = `${out.replace(/\.npy$/, '')}.txt`;
  const lines = Array.from({ length: set.count }, (_, i) => `${set.files?.[i] ?? i}\n`);
  writeFileAtomic(list, lines.join(''));
  terminal.line(`${out}: float32 [${set.count}, ${resnetFeatures}]`);
  terminal.line(`${list}: the file of each row`);
}
