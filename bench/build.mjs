/** Bundles the benchmark into `bench/dist`, or into the folder that is given. */
import { resolve } from 'node:path';
import { bundleBench } from './bundle.mjs';

const [, , folder] = process.argv;
await bundleBench(folder === undefined ? {} : { outdir: resolve(folder) });
