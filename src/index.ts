/// <reference types="@webgpu/types" preserve="true" />
/**
 * The library: everything that the command line is made of. `z` is zod, for the settings of methods.
 *
 * @module simclr-webgpu
 */

export { readCaptions } from './data/captions.ts';
export { type Dataset, openDataset } from './data/dataset.ts';
export { downloadStl10 } from './data/download.ts';
export { loadPhotos } from './data/folder.ts';
export { openSequences, type SequenceOptions } from './data/open_sequences.ts';
export { openTexts, type TextsOptions } from './data/open_texts.ts';
export { ensureSampleSet } from './data/sample/sample.ts';
export { npySeries, type Series, seriesOf } from './data/series.ts';
export { loadStl10 } from './data/stl10.ts';
export { unite } from './data/united.ts';
export { wavSeries } from './data/wav.ts';
export { readSafetensors, writeSafetensors } from './io/safetensors.ts';
export { type Launch, launchOf } from './mpi/launch.ts';
export { MpiWorld } from './mpi/world.ts';
export * from './portable.ts';
export { type Checkpoint, loadLearner, readCheckpoint } from './train/checkpoint.ts';
export { loadClassifier, saveClassifier } from './train/classifier_file.ts';
export { type EncoderFile, readEncoder } from './train/encoder_file.ts';
export { saveEncoder } from './train/export.ts';
export { type Exported, exportHuggingFace, exportOnnx, type OnnxExportOptions } from './train/export_onnx.ts';
export { FollowedFolder, RunFolder } from './train/run_folder.ts';
export {
  parseSupervisedSettings,
  type SupervisedResult,
  type SupervisedSettings,
  trainSupervised,
} from './train/supervised.ts';
export { Trainer } from './train/trainer.ts';
