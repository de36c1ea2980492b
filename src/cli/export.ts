import { Command } from 'commander';
import { describeEncoder, type EncoderShape, isResNet, isVit } from '../nn/encoder_shape.ts';
import { exportEncoder } from '../train/export.ts';
import { checkpointFile } from './common.ts';
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

/** `simclr export`: the encoder alone, for PyTorch. */
export function exportCommand(): Command {
  return new Command('export')
    .description('write the encoder of a checkpoint with torchvision’s tensor names, or timm’s')
    .requiredOption('--checkpoint <file>', 'a checkpoint of a run, or its folder: the newest one')
    .option('--out <file>', 'the file to write (.safetensors)', 'encoder.safetensors')
    .action(({ checkpoint, out }: { checkpoint: string; out: string }) => {
      const terminal = new Terminal();
      const { tensors, shape } = exportEncoder(checkpointFile(checkpoint, terminal), out);
      terminal.line(`${out}: ${tensors} tensors of a ${describeEncoder(shape)} encoder`);
      const model = pythonModel(shape);
      if (model === undefined) return;
      terminal.line(`in Python: model = ${model}`);
      terminal.line('           model.load_state_dict(safetensors.torch.load_file("…"))');
    });
}
