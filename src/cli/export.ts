import { Command, Option } from 'commander';
import { UserError } from '../errors.ts';
import { describeEncoder, type EncoderShape, isResNet, isVit } from '../nn/encoder_shape.ts';
import { type ModelInput, modelInputs } from '../onnx/preparation.ts';
import type { GivenEncoder } from '../train/encoder_file.ts';
import { encoderExtensions, exportEncoder } from '../train/export.ts';
import { type Exported, exportHuggingFace, exportOnnx } from '../train/export_onnx.ts';
import { flagOf } from '../train/settings.ts';
import { checkpointFile, printEncoder } from './common.ts';
import { addEncoder } from './eval_options.ts';
import { Terminal } from './terminal.ts';

/** What makes the same network in Python; undefined where torchvision and timm have none. */
function pythonModel({
  architecture,
  width,
  norm,
  input,
  patch = 0,
  grid = 0,
  positions,
}: EncoderShape): string | undefined {
  if (width !== 1 || norm || input) return undefined;
  if (isResNet(architecture)) return `torchvision.models.${architecture}(); model.fc = torch.nn.Identity()`;
  if (!isVit(architecture) || positions !== 'learned') return undefined;
  const size = `img_size=${patch * grid}, patch_size=${patch}`;
  return `timm.create_model("${architecture}_patch16_224", ${size}, num_classes=0)`;
}

const formats = ['safetensors', 'onnx', 'hf'] as const;
type Format = (typeof formats)[number];

const defaultOut: Readonly<Record<Format, string>> = {
  safetensors: `encoder${encoderExtensions[0]}`,
  onnx: 'encoder.onnx',
  hf: 'encoder',
};

interface ExportOptions extends GivenEncoder {
  readonly checkpoint: string;
  readonly format?: Format;
  readonly modelInput?: ModelInput;
  readonly out?: string;
}

/** `simclr export`: the encoder alone, for PyTorch, ONNX or Hugging Face's libraries. */
export function exportCommand(): Command {
  return addEncoder(new Command('export').description('write the encoder of a checkpoint for other programs'))
    .addOption(
      new Option(
        '--format <name>',
        'safetensors: torchvision’s tensor names, or timm’s, of a run’s checkpoint; onnx: a model for any number of images; hf: a folder for transformers.js and transformers (default: by the ending of --out, else safetensors)',
      ).choices(formats),
    )
    .addOption(
      new Option(
        '--model-input <kind>',
        'what an ONNX model takes: normalized images of the size that it was trained with (default), or pictures of any size that it prepares itself, unit (RGB from 0 to 1) or bytes (0 to 255)',
      ).choices(modelInputs),
    )
    .option(
      '--out <file>',
      'the file, or with hf the folder, to write (default: encoder.safetensors, .onnx or encoder)',
    )
    .action(run);
}

function run(options: ExportOptions): void {
  const terminal = new Terminal();
  const { format = formatOf(options.out), out = defaultOut[format] } = options;
  checkOptions(options, format);
  const checkpoint = checkpointFile(options.checkpoint, terminal);
  if (format === 'safetensors') exportTensors(checkpoint, out, terminal);
  else exportModel(options, { checkpoint, format, out }, terminal);
}

interface Task {
  readonly checkpoint: string;
  readonly format: 'onnx' | 'hf';
  readonly out: string;
}

function exportModel(options: ExportOptions, { checkpoint, format, out }: Task, terminal: Terminal): void {
  const { modelInput: takes = 'normalized', fromHeadLayer, imageSize, normalize } = options;
  const given = { fromHeadLayer, ...(imageSize && { imageSize }), ...(normalize && { normalize }) };
  const exported =
    format === 'onnx'
      ? exportOnnx(checkpoint, out, { ...given, takes }, flagOf)
      : exportHuggingFace(checkpoint, out, given, flagOf);
  printEncoder(exported.file, terminal);
  if (format === 'onnx') printModel(out, exported, takes, terminal);
  else printFolder(out, exported, terminal);
}

const formatOf = (out = ''): Format => (out.toLowerCase().endsWith('.onnx') ? 'onnx' : 'safetensors');

/** UserError (usage): an option that the format has no use for. */
function checkOptions({ modelInput, fromHeadLayer, imageSize, normalize }: ExportOptions, format: Format): void {
  if (modelInput && format !== 'onnx') throw new UserError(`${flagOf('modelInput')}: only with --format onnx`, 2);
  if (format !== 'safetensors') return;
  const idle = Object.entries({ fromHeadLayer: fromHeadLayer || undefined, imageSize, normalize })
    .filter(([, value]) => value !== undefined)
    .map(([name]) => flagOf(name));
  if (idle.length > 0) throw new UserError(`${idle.join(', ')}: only with --format onnx or hf`, 2);
}

function exportTensors(checkpoint: string, out: string, terminal: Terminal): void {
  const { tensors, shape } = exportEncoder(checkpoint, out);
  terminal.line(`${out}: ${tensors} tensors of a ${describeEncoder(shape)} encoder`);
  const model = pythonModel(shape);
  if (model === undefined) return;
  terminal.line(`in Python: model = ${model}`);
  terminal.line('           model.load_state_dict(safetensors.torch.load_file("…"))');
}

function printModel(out: string, { file, dimensions }: Exported, takes: ModelInput, terminal: Terminal): void {
  const sides = takes === 'normalized' ? `${file.imageSize}, ${file.imageSize}` : 'height, width';
  const kind = { normalized: 'f32, normalised', unit: 'f32 from 0 to 1', bytes: 'u8' }[takes];
  terminal.line(`${out}: ONNX model of a ${describeEncoder(file)} encoder`);
  terminal.line(`input      images [batch, 3, ${sides}], RGB, ${kind}`);
  terminal.line(`output     features [batch, ${dimensions}], f32`);
}

function printFolder(out: string, { file, dimensions }: Exported, terminal: Terminal): void {
  terminal.line(`${out}: a ${describeEncoder(file)} encoder for Hugging Face’s libraries, ${dimensions} features`);
  terminal.line(`in JavaScript: const extract = await pipeline('image-feature-extraction', '…')`);
  terminal.line('               const features = await extract(picture, { pool: true })');
}
