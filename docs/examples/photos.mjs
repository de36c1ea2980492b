// Trains on photos that somebody chose in a page, finds those most similar to the first, and returns the encoder as a file.
import {
  Embedder,
  encodeEncoder,
  Gpu,
  loadPhotos,
  nearestRows,
  PhotoTraining,
  parseSettings,
} from 'simclr-webgpu/browser';

/** @param {File[]} files @param {(line: string) => void} show */
export async function learn(files, show) {
  const gpu = await Gpu.open();
  const { set } = await loadPhotos(files, { size: 32 });
  const settings = parseSettings({ imageSize: 32, batchSize: 8, epochs: 2, width: 0.25, temperature: 0.2 });
  const training = await PhotoTraining.create(gpu, set, settings, {
    onStep: ({ step, steps, loss }) => show(`step ${step} of ${steps}: loss ${loss.toFixed(3)}`),
  });
  await training.run();

  const { state, encoder, preparation, step } = training;
  const embedder = await Embedder.create(state, encoder, set, preparation);
  const features = await embedder.embed(set); // [photos, dimensions]
  const first = features.subarray(0, encoder.dimensions);
  const { rows } = await nearestRows(state, features, first, encoder.dimensions, 4);
  const weights = await encodeEncoder(state, encoder, preparation, step);
  gpu.destroy();
  return { similar: Array.from(rows, (row) => set.files?.[row]), weights };
}
