/** `simclr web`: the page that trains in a browser. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { UserError } from '../errors.ts';
import { numberIn } from './eval_options.ts';
import { type ServeOptions, serveFolder } from './static_server.ts';
import { Terminal } from './terminal.ts';

/** Where the page is looked for first: the one that other programs take least often. */
const usualPort = 8642;

export function webCommand(): Command {
  return new Command('web')
    .description('serve the page that trains, searches and maps photos in a browser; nothing leaves the browser')
    .option('--port <n>', 'port to listen on; 0: any that is free', numberIn(0, 65535, { whole: true }), usualPort)
    .option(
      '--host <address>',
      'address to listen on: browsers have WebGPU for this machine, and behind https',
      '127.0.0.1',
    )
    .action(run);
}

async function run(options: ServeOptions): Promise<void> {
  const folder = join(packageFolder(), 'dist', 'web');
  if (!existsSync(join(folder, 'index.html')))
    throw new UserError(`${folder}: the page is not built; run npm run build:browser`);
  const server = await serveFolder(folder, options);
  const terminal = new Terminal();
  terminal.line(`the page    ${server.url}`);
  terminal.line(
    'Open it in Chrome, Edge, Safari or Firefox with WebGPU. Ctrl-C ends the server; the page needs it for loading only.',
  );
  await new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  await server.close();
}

/** The nearest folder above this file with a package.json. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
