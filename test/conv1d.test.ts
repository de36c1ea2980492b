/** 1-D convolutions equal their definition, and their weights are PyTorch's in files. */
import { describe, expect, it } from 'vitest';
import { constant, trace } from '../src/graph/trace.ts';
import { Conv1d } from '../src/nn/conv1d.ts';
import { Conv1dEncoder, codesOf, standardizedSequences } from '../src/nn/conv1d_encoder.ts';
import { fromTorch, toTorch } from '../src/nn/state_dict.ts';
import { conv1d } from '../src/ops/conv1d.ts';
import { gradients } from '../src/ops/gradients.ts';
import { noise, sample, testCases } from './ops/harness.ts';
import { interpret } from './reference/interpreter.ts';

const shapes = [
  { n: 2, frames: 11, channels: 1, outputs: 4, kernel: 4, stride: 2, padding: 1 },
  { n: 3, frames: 20, channels: 3, outputs: 5, kernel: 10, stride: 5, padding: 3 },
  { n: 1, frames: 7, channels: 4, outputs: 8, kernel: 3, stride: 1, padding: 0 },
];

describe.each(shapes)('$frames frames of $channels channels, kernel $kernel, stride $stride', (shape) => {
  const { n, frames, channels, outputs, kernel, stride, padding } = shape;
  const [x, w] = [noise(n * frames * channels, 1), noise(outputs * kernel * channels, 2)];

  it('y[n, t, o] = Σ x[n, t · stride − padding + k, c] w[o, k, c]', () => {
    const { graph, result } = trace(() => {
      const sequences = constant('x', x, [n, frames, channels]);
      return conv1d(sequences, constant('w', w, [outputs, 1, kernel, channels]), { stride, padding });
    });
    const steps = Math.floor((frames + 2 * padding - kernel) / stride) + 1;
    expect(result.shape).toEqual([n, steps, outputs]);
    const y = interpret(graph).get(result)!;
    const at = (i: number, t: number, c: number) => (t < 0 || t >= frames ? 0 : x[(i * frames + t) * channels + c]);
    for (let i = 0; i < n; i++)
      for (let t = 0; t < steps; t++)
        for (let o = 0; o < outputs; o++) {
          let sum = 0;
          for (let k = 0; k < kernel; k++)
            for (let c = 0; c < channels; c++)
              sum += at(i, t * stride - padding + k, c) * w[(o * kernel + k) * channels + c];
          expect(y[(i * steps + t) * outputs + o]).toBeCloseTo(sum, 6);
        }
  });
});

testCases(
  shapes.map(({ n, frames, channels, outputs, kernel, stride, padding }) => ({
    name: `conv1d and its gradients [${n}, ${frames}, ${channels}], kernel ${kernel}, stride ${stride}`,
    build() {
      const x = sample('x', [n, frames, channels]);
      const w = sample('w', [outputs, 1, kernel, channels]);
      const y = conv1d(x, w, { stride, padding });
      const [dx, dw] = gradients(y, [x, w], sample('dy', y.shape));
      return { y, dx, dw };
    },
  })),
);

describe('Conv1d', () => {
  const layer = new Conv1d('conv', 3, 2, { kernel: 4, seed: 1 });
  const [weight, bias] = layer.parameters;

  it('has the names and shapes of torch.nn.Conv1d', () => {
    expect(layer.parameters.map(({ tensor, torchShape }) => `${tensor.name} ${torchShape}`)).toEqual([
      'conv.weight 2,3,4',
      'conv.bias 2',
    ]);
    expect(bias.tensor.shape).toEqual([2]);
  });

  it('is written as [out, in, k] and read again', () => {
    const ours = Float32Array.from({ length: 24 }, (_, i) => i);
    const { shape, data } = toTorch(weight, ours);
    expect(shape).toEqual([2, 3, 4]);
    expect([...data.subarray(0, 12)]).toEqual([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
    expect(fromTorch(weight, data)).toEqual(ours);
  });
});

describe('the encoder of sequences', () => {
  it('has a code for every 160 frames with the strides of the paper', () => {
    const paper = [5, 4, 2, 2, 2];
    expect([160, 320, 20480].map((frames) => codesOf(frames, paper))).toEqual([1, 2, 128]);
    for (const stride of [2, 3, 4, 7, 9]) expect(codesOf(6 * stride, [stride])).toBe(6);
    const encoder = new Conv1dEncoder({ channels: 2, strides: paper, outputs: 8, seed: 1 });
    const { result } = trace(() => encoder.forward(constant('x', noise(640, 1), [1, 320, 2]), { training: true }));
    expect([result.shape, result.dtype]).toEqual([[1, 2, 8], 'f32']);
    expect(encoder.parameters.filter((_, i) => i % 2 === 0).map(({ torchShape }) => torchShape.join())).toEqual([
      ...['8,2,10', '8,8,8', '8,8,4', '8,8,4', '8,8,4'],
    ]);
  });

  it('sees neither loudness nor offset, and zeros where nothing changes', () => {
    const x = noise(2 * 50 * 2, 3);
    const values = (change: (value: number) => number) => {
      const { graph, result } = trace(() => standardizedSequences(constant('x', x.map(change), [2, 50, 2])));
      return [...interpret(graph).get(result)!];
    };
    const plain = values((value) => value);
    values((value) => 5 + value / 8).forEach((value, i) => expect(value).toBeCloseTo(plain[i], 4));
    const channel = plain.filter((_, i) => i < 100 && i % 2 === 0);
    expect(channel.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 5);
    expect(channel.reduce((sum, value) => sum + value * value, 0) / 50).toBeCloseTo(1, 5);
    expect(values(() => 7).every((value) => value === 0)).toBe(true);
  });
});
