/** Encoders of images for other runtimes: an ONNX model, or a folder as Hugging Face's libraries read it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Naming } from '../io/checked.ts';
import { guarded } from '../io/file_errors.ts';
import { checkExtension, ensureWritableDir, writeFileAtomic } from '../io/files.ts';
import { writeSafetensors } from '../io/safetensors.ts';
import { shapeMetadata, shapeOf } from '../nn/encoder_shape.ts';
import { encoderOf } from '../nn/encoders.ts';
import {
  type Described,
  huggingFaceConfig,
  huggingFaceInput,
  huggingFaceOutputs,
  huggingFaceTensors,
  huggingFaceWeights,
  preprocessorConfig,
} from '../onnx/hugging_face.ts';
import { type ModelOptions, onnxModel } from '../onnx/model.ts';
import type { ModelInput } from '../onnx/preparation.ts';
import { stored } from './checkpoint_tensors.ts';
import { type EncoderFile, type GivenEncoder, readEncoderFile } from './encoder_file.ts';
import { preparationMetadata } from './preparation.ts';

const ownName: Naming = (setting) => setting;

/** What `exportOnnx` writes, and how pictures are prepared where the file does not say. */
export interface OnnxExportOptions extends GivenEncoder {
  /** What the model is given; `normalized`, by default, leaves preparation to the caller. */
  readonly takes?: ModelInput;
}

/** What was written. */
export interface Exported {
  readonly file: EncoderFile;
  readonly dimensions: number;
}

/**
 * Writes the encoder in a file, of any kind that `readEncoder` reads, as an ONNX model: `images` [batch, 3, height, width] → `features`
 * [batch, dimensions]. Its metadata say what it is and how images are to be prepared.
 *
 * @param name how errors call settings: by their own names, or by their flags
 * @throws UserError the extension of `out` is not .onnx, the encoder cannot be read, takes no images, or is too large for the format
 */
export function exportOnnx(
  path: string,
  out: string,
  options: OnnxExportOptions = {},
  name: Naming = ownName,
): Exported {
  checkExtension(out, ['.onnx'], 'an ONNX model');
  const { takes = 'normalized', ...given } = options;
  const file = readEncoderFile(path, given, name);
  const { model, dimensions } = modelOf(file, { takes });
  writeFileAtomic(out, model);
  return { file, dimensions };
}

/**
 * Writes a folder that the pipeline `image-feature-extraction` of transformers.js loads: `config.json`, `preprocessor_config.json`,
 * `onnx/model.onnx`, and `model.safetensors`, which transformers in Python reads where it has the network: ResNets with their first stem
 * and batch norm, and vision transformers.
 *
 * @throws UserError the folder cannot be written, the encoder cannot be read, takes no images, or is too large for ONNX
 */
export function exportHuggingFace(
  path: string,
  folder: string,
  given: GivenEncoder = {},
  name: Naming = ownName,
): Exported {
  const file = readEncoderFile(path, given, name);
  const { model, dimensions } = modelOf(file, { inputName: huggingFaceInput, outputNames: huggingFaceOutputs });
  const encoder: Described = { shape: shapeOf(file), dimensions, preparation: file, headed: file.head !== undefined };
  ensureWritableDir(join(folder, 'onnx'));
  const config = join(folder, 'config.json');
  // It comes last: without it a folder that is half written is none.
  guarded('write', config, () => rmSync(config, { force: true }));
  writeFileAtomic(join(folder, 'onnx', 'model.onnx'), model);
  const tensors = stored(huggingFaceTensors(encoder, file.tensors), 0);
  writeSafetensors(join(folder, huggingFaceWeights), [...tensors], { format: 'pt', ...describe(file) });
  const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
  writeFileAtomic(join(folder, 'preprocessor_config.json'), json(preprocessorConfig(file)));
  writeFileAtomic(config, json(huggingFaceConfig(encoder)));
  return { file, dimensions };
}

function modelOf(
  file: EncoderFile,
  options: Omit<ModelOptions, 'preparation' | 'metadata'>,
): { model: Uint8Array; dimensions: number } {
  const { takes = 'normalized' } = options;
  const encoder = encoderOf({ ...shapeOf(file), head: file.head, seed: 0 });
  const metadata = { ...describe(file), dimensions: String(encoder.dimensions), takes };
  const model = onnxModel(encoder, file.tensors, { ...options, preparation: file, metadata });
  return { model, dimensions: encoder.dimensions };
}

/** What files that others read say of an encoder. */
const describe = (file: EncoderFile): Readonly<Record<string, string>> => ({
  ...(file.method !== undefined && { method: file.method }),
  ...shapeMetadata(file),
  ...(file.head && { head: JSON.stringify(file.head) }),
  ...preparationMetadata(file),
});
