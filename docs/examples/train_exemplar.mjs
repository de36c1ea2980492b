// @ts-check
/** Trains the method of exemplar.mjs in a run folder: node docs/examples/train_exemplar.mjs <photos> <run> [settings as JSON] */
import { Gpu, openDataset, parseSettings, RunFolder, registerMethod, Trainer } from 'simclr-webgpu';
import { exemplar } from './exemplar.mjs';

registerMethod(exemplar);
const [, , data, out, given = '{}'] = process.argv;
const settings = parseSettings({ method: 'exemplar', ...JSON.parse(given) });
const gpu = await Gpu.open();
const dataset = await openDataset(data, { split: settings.split, size: settings.imageSize });
// A folder with a run in it resumes; `simclr embed --checkpoint <run>` takes what it leaves.
const folder = RunFolder.openOrCreate(out, {
  data,
  settings,
  images: dataset.train.count,
  adapter: gpu.traits.adapter,
});
const trainer = await Trainer.create(gpu, dataset, settings, folder, {
  onEpoch: ({ epoch, loss, metrics, knn }) => console.log(epoch, loss.toFixed(3), metrics, knn),
  onWarning: ({ message, remedy }) => console.warn(`${message}; ${remedy}`),
});
const { checkpoint } = await trainer.run();
console.log(checkpoint);
trainer.destroy();
gpu.destroy();
process.exit(); // Dawn keeps the process alive
