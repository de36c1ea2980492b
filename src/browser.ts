/// <reference types="@webgpu/types" preserve="true" />
/**
 * The library in a browser: all of `simclr-webgpu` but what reads and writes files, and what takes photos that a user chose in a page.
 *
 * @module simclr-webgpu/browser
 */

export * from './portable.ts';
export type { KeptTraining } from './web/kept.ts';
export { decodePhoto, type LoadedPhotos, loadPhotos, type PhotoOptions } from './web/photos.ts';
export { PhotoTraining, type PhotoTrainingEvents } from './web/training.ts';
