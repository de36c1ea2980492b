/** Ops on maps [N, H, W, C], which ONNX has as [N, C, H, W]. */
import type { Tensor } from '../graph/tensor.ts';
import type { Translation, Translator } from './translator.ts';

/** Weights [O, I, kh, kw] for inputs of so many channels: 0 for those that the network has only as padding. */
function convolutionWeights(at: Translator, w: Tensor, channels: number): string {
  const stored = at.stored(w);
  if (!stored) throw new Error(`${w}: convolutions need stored weights`);
  const [outputs, inputs, ...kernel] = stored.shape;
  if (inputs === channels) return at.graph.weights(w.name, stored.shape, stored.data);
  const area = kernel[0] * kernel[1];
  const padded = new Float32Array(outputs * channels * area);
  for (let o = 0; o < outputs; o++)
    padded.set(stored.data.subarray(o * inputs * area, (o + 1) * inputs * area), o * channels * area);
  return at.graph.weights(w.name, [outputs, channels, ...kernel], padded);
}

const conv2d: Translation = ({ inputs: [x, w], outputs: [y], attrs: { stride, padding } }, at) => {
  const [, kh, kw, channels] = w.shape;
  const image = at.image(x);
  const weights = convolutionWeights(at, w, image === undefined ? channels : 3);
  const attributes = { kernel_shape: [kh, kw], strides: [stride, stride], pads: Array(4).fill(padding) };
  at.put(y, { map: at.graph.node('Conv', [image ?? at.map(x), weights], attributes) });
};

/** In inference only: by the running statistics. */
const batchNorm: Translation = ({ inputs: [x, ...parameters], outputs: [y], attrs: { training, eps } }, at) => {
  if (training) throw new Error('a model for inference has no batch norm of the batch');
  const isMap = x.shape.length === 4;
  const values = [isMap ? at.map(x) : at.plain(x), ...parameters.map((tensor) => at.plain(tensor))];
  const normalized = at.graph.node('BatchNormalization', values, { epsilon: { float: eps } });
  at.put(y, isMap ? { map: normalized } : { plain: normalized });
};

const maxPool: Translation = ({ inputs: [x], outputs: [y], attrs: { kernel, stride, padding } }, at) => {
  const window = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: Array(4).fill(padding) };
  at.put(y, { map: at.graph.node('MaxPool', [at.map(x)], window) });
};

const globalAvgPool: Translation = ({ inputs: [x], outputs: [y] }, at) => {
  at.put(y, { plain: at.graph.node('Flatten', [at.graph.node('GlobalAveragePool', [at.map(x)])], { axis: 1 }) });
};

export const mapTranslations: Readonly<Record<string, Translation>> = {
  conv2d,
  batch_norm: batchNorm,
  max_pool: maxPool,
  global_avg_pool: globalAvgPool,
};
