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

/** Where the build puts the page, seen from the program: this file is a part of `dist/` then. */
const builtPage = join(dirname(fileURLToPath(import.meta.url)), 'web');

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
  if (!existsSync(join(builtPage, 'index.html')))
    throw new UserError(`${builtPage}: the page is not built; run npm run build:browser`);
  const server = await serveFolder(builtPage, options);
  const terminal = new Terminal();
  terminal.line(`the page    ${server.url}`);
  terminal.line(
    'Open it in Chrome, Edge, Safari or Firefox with WebGPU. Ctrl-C ends the server; the page needs it for loading only.',
  );
  await new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
  await server.close();
}
