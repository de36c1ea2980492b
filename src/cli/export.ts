import { Command } from 'commander';
import { describeEncoder } from '../nn/encoder_shape.ts';
import { exportEncoder } from '../train/export.ts';
import { checkpointFile } from './common.ts';
import { Terminal } from './terminal.ts';

/** `simclr export`: the encoder alone, for PyTorch. */
export function exportCommand(): Command {
  return new Command('export')
    .description('write the encoder of a checkpoint with torchvision’s tensor names')
    .requiredOption('--checkpoint <file>', 'a checkpoint of a run, or its folder: the newest one')
    .option('--out <file>', 'the file to write (.safetensors)', 'encoder.safetensors')
    .action(({ checkpoint, out }: { checkpoint: string; out: string }) => {
      const terminal = new Terminal();
      const { tensors, shape } = exportEncoder(checkpointFile(checkpoint, terminal), out);
      terminal.line(`${out}: ${tensors} tensors of a ${describeEncoder(shape)} encoder`);
      if (shape.width !== 1) return; // torchvision has no such network
      terminal.line(`in Python: model = torchvision.models.${shape.architecture}(); model.fc = torch.nn.Identity()`);
      terminal.line('           model.load_state_dict(safetensors.torch.load_file("…"))');
    });
}
