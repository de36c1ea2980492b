import { Command } from 'commander';
import { downloadStl10 } from '../data/download.ts';
import { ensureSampleSet } from '../data/sample/sample.ts';
import { formatBytes } from '../report/numbers.ts';
import { commandWords } from './common.ts';
import { Terminal } from './terminal.ts';

/** Pictures of the built-in sample set. */
export const sampleSizes = { train: 500, test: 500, unlabeled: 4000 } as const;

/** `simclr data`: brings data sets. */
export function dataCommand(): Command {
  const command = new Command('data').description('download STL-10, or draw the sample set');
  command
    .command('stl10')
    .description('download STL-10 (2.6 GB), verify and unpack it; interrupted downloads resume')
    .option('--out <folder>', 'target folder', 'data')
    .option('--url <address>', 'address of the archive, instead of STL-10’s own server')
    .action(async ({ out, url }: { out: string; url?: string }) => {
      const terminal = new Terminal();
      const { folder, fetched } = await downloadStl10(out, {
        ...(url !== undefined && { url }),
        onProgress: ({ phase, done, total }) =>
          terminal.progress(phase, done, total ?? done, {
            count: `${formatBytes(done)} of ${formatBytes(total ?? done)}`,
            rate: (perSecond) => `${formatBytes(perSecond)}/s`,
          }),
        onRetry: (message) => terminal.line(message),
      });
      terminal.line(`${fetched ? 'STL-10 is in' : 'STL-10 is already present:'} ${folder}`);
      terminal.line('next:');
      terminal.command('  ', commandWords('train', '--data', folder));
    });
  command
    .command('sample')
    .description('draw the built-in labelled sample set of ten classes, in STL-10’s format')
    .option('--out <folder>', 'target folder', 'data/sample')
    .action(({ out }: { out: string }) => {
      const terminal = new Terminal();
      ensureSampleSet(out, {
        ...sampleSizes,
        onProgress: ({ done, total }) => terminal.progress('draw', done, total ?? done),
      });
      terminal.line(`the sample set is in ${out}`);
    });
  return command;
}
