/** The example of the documentation, and pictures for it. */
export { learn } from '../../docs/examples/photos.mjs';
export { stripes } from './worker.ts';
