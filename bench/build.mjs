/** Bundles the benchmark into `bench/dist`. */
import { bundleBench } from './bundle.mjs';

await bundleBench();
