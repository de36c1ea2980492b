import { dirname, extname } from 'node:path';
import { Command, Option } from 'commander';
import { type DataSplit, dataSplits, openDataset } from '../data/dataset.ts';
import type { ImageSet } from '../data/images.ts';
import { PHOTO_FORMATS } from '../data/photo_names.ts';
import { type PredictedClasses, predictClasses } from '../eval/predict.ts';
import type { Gpu } from '../gpu/device.ts';
import { State } from '../graph/state.ts';
import { counted } from '../io/counted.ts';
import type { RowTable } from '../io/csv_table.ts';
import { checkExtension, checkWritableDir, ensureWritableDir, writeFileAtomic } from '../io/files.ts';
import { type RowTableExtension, rowTableExtensions, rowTablePieces } from '../io/row_table.ts';
import { decimal, percent } from '../report/numbers.ts';
import { readClassifier } from '../train/classifier_file.ts';
import { checkpointFile, printLeftOut, printSkipped } from './common.ts';
import { addDeviceOptions, chooseKernels, type DeviceOptions, openAdapter } from './device.ts';
import { countFrom, featureBatch } from './eval_options.ts';
import { addExclude } from './options.ts';
import { reopening, repeatable } from './reopen.ts';
import { Terminal } from './terminal.ts';
import { throughput } from './train_output.ts';

interface PredictOptions extends DeviceOptions {
  readonly checkpoint: string;
  readonly data: string;
  readonly exclude?: readonly string[];
  readonly split: DataSplit;
  readonly out?: string;
  readonly batchSize: number;
}

/** `simclr predict`: classes of photos, by a classifier that was trained on labels. */
export function predictCommand(): Command {
  const command = new Command('predict')
    .description('tell the classes of images by a trained classifier, with probabilities')
    .requiredOption(
      '--checkpoint <file>',
      'a classifier: the folder of a training that eval finetune has made, its model.safetensors, or a run of --method supervised',
    )
    .requiredOption('--data <folder>', `STL-10’s binary files, or a folder of photos (${PHOTO_FORMATS})`)
    .addOption(
      new Option('--split <name>', 'which images, if the folder is split').choices(dataSplits).default('unlabeled'),
    )
    .option(
      '--out <file>',
      `table to write (${rowTableExtensions.join(', ')}): file, label where folders are classes, the most probable class, its probability, and that of each class (default: classes are printed)`,
    )
    .option('--batch-size <number>', 'images per batch', countFrom(1), featureBatch);
  addExclude(command);
  return addDeviceOptions(command).action(predict);
}

async function predict(options: PredictOptions): Promise<void> {
  const { data, split, exclude, out, batchSize } = options;
  const terminal = new Terminal();
  if (out !== undefined) {
    checkExtension(out, rowTableExtensions, 'predictions');
    checkWritableDir(dirname(out));
  }
  const file = readClassifier(checkpointFile(options.checkpoint, terminal));
  const { imageSize: size } = file.preparation;
  terminal.line(`classifier ${counted(file.options.classes, 'class', 'classes')}, images of ${size}×${size}`);
  const gpu = await openAdapter(options.adapter);
  const dataset = await openDataset(data, {
    ...{ split, exclude, size, probe: false, labels: true },
    onProgress: ({ phase, done, total }) => terminal.progress(phase, done, total ?? done),
  });
  const { train: set } = dataset;
  printLeftOut(dataset, terminal);
  printSkipped([set], terminal);
  const work = async (device: Gpu) => {
    chooseKernels(device, options, terminal);
    const state = new State(device);
    const rate = (perSecond: number) => throughput(perSecond, 'images');
    const onDone = (done: number) => terminal.progress('images', done, set.count, { rate });
    return predictClasses(state, file, set, batchSize, onDone).finally(() => state.destroy());
  };
  const found = await reopening(gpu, repeatable(work), options, terminal);
  terminal.clear();
  if (out === undefined) printClasses(set, found, terminal);
  else {
    ensureWritableDir(dirname(out));
    writeFileAtomic(out, rowTablePieces(extname(out).toLowerCase() as RowTableExtension, tableOf(set, found)));
    printCounts(set, found, terminal);
    terminal.line(`written    ${out}`);
  }
  dataset.close();
}

const nameOf = ({ files }: ImageSet, i: number): string => files?.[i] ?? String(i);

/** The probability of the most probable class. */
const surest = ({ probabilities, names, classes }: PredictedClasses, i: number): number =>
  probabilities[i * names.length + classes[i]];

/** All that there is to say of each image. */
function tableOf(set: ImageSet, found: PredictedClasses): RowTable {
  const { labels, classNames, count } = set;
  const { names, classes, probabilities } = found;
  const width = names.length;
  const values = new Float32Array(count * (width + 1));
  for (let i = 0; i < count; i++) {
    values[i * (width + 1)] = surest(found, i);
    values.set(probabilities.subarray(i * width, (i + 1) * width), i * (width + 1) + 1);
  }
  return {
    count,
    texts: {
      file: (i) => nameOf(set, i),
      ...(labels && { label: (i: number) => classNames?.[labels[i]] ?? String(labels[i]) }),
      class: (i) => names[classes[i]],
    },
    numbers: { values, columns: ['probability', ...names.map((name) => `p_${name}`)] },
  };
}

function printClasses(set: ImageSet, found: PredictedClasses, terminal: Terminal): void {
  const rows = Array.from({ length: set.count }, (_, i) => [
    ...[nameOf(set, i), found.names[found.classes[i]], decimal(surest(found, i), 4)],
  ]);
  terminal.line();
  terminal.table(['image', 'class', 'probability'], rows);
  printAccuracy(found, terminal);
}

function printCounts(set: ImageSet, found: PredictedClasses, terminal: Terminal): void {
  const counts = found.names.map((name, c) => `${name} ${found.classes.filter((one) => one === c).length}`);
  terminal.line(`classes    of ${counted(set.count, 'image')}: ${counts.join(', ')}`);
  printAccuracy(found, terminal);
}

function printAccuracy({ accuracy }: PredictedClasses, terminal: Terminal): void {
  if (accuracy !== undefined) terminal.line(`accuracy   ${percent(accuracy)} % are in the folder of their class`);
}
