/// <reference types="@webgpu/types" preserve="true" />
/** The library in a browser: all of it but what reads and writes files. */

export * from './portable.ts';
export { decodePhoto, type LoadedPhotos, loadPhotos, type PhotoOptions } from './web/photos.ts';
export { PhotoTraining, type PhotoTrainingEvents } from './web/training.ts';
