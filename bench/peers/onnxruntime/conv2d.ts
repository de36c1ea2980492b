import type { OpenPeer } from '../../benchmark.ts';
import type { ConvProblem } from '../../cases/conv2d.ts';
import { openOnnx } from './session.ts';

type Shape = readonly [number, number, number, number];

/** [A, B, C, D] → [A, D, B, C]: NHWC to NCHW, and [O, kh, kw, I] to OIHW. */
function channelsFirst(data: Float32Array, [, height, width, channels]: Shape): Float32Array {
  const result = new Float32Array(data.length);
  const plane = height * width;
  for (let i = 0; i < data.length; i++) {
    const [channel, pixel, image] = [i % channels, Math.floor(i / channels) % plane, Math.floor(i / channels / plane)];
    result[(image * channels + channel) * plane + pixel] = data[i];
  }
  return result;
}

/** The other way round; `shape` is that of the result. */
function channelsLast(data: Float32Array, [, height, width, channels]: Shape): Float32Array {
  const plane = height * width;
  return data.map((_, i) => {
    const [channel, pixel, image] = [i % channels, Math.floor(i / channels) % plane, Math.floor(i / channels / plane)];
    return data[(image * channels + channel) * plane + pixel];
  });
}

const moved = ([n, h, w, c]: Shape): Shape => [n, c, h, w];

/** Forward only: ONNX Runtime is for inference. The weights are part of the model, so that it may arrange them as it likes. */
const open: OpenPeer<ConvProblem> = async (_gpu, problem) => {
  const { direction, shape, weightShape, outShape, stride, padding } = problem;
  if (direction !== 'forward') return [];
  const node = {
    type: 'Conv',
    attributes: { strides: [stride, stride], pads: Array<number>(4).fill(padding) },
    inputs: [
      { name: 'x', shape: moved(shape) },
      { name: 'weight', shape: moved(weightShape), data: channelsFirst(problem.weight, weightShape) },
    ],
    output: { name: 'y', shape: moved(outShape) },
  };
  return openOnnx(node, { x: channelsFirst(problem.x, shape) }, (data) => channelsLast(data, outShape));
};

export default open;
