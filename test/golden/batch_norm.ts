import { elements } from '../../src/graph/tensor.ts';
import { variable } from '../../src/graph/trace.ts';
import { batchNorm, batchNormInference } from '../../src/ops/batch_norm.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { channelsFirst, channelsLast, expectClose, type GoldenCheck, run, tensorOf, toleranceOf } from './harness.ts';

/** One training step from running statistics 0 and 1, its gradients, and then the inference mode with what came out. */
const check: GoldenCheck = async (file, device) => {
  const [x, dy] = ['x', 'grad_y'].map((name) => channelsLast(file.get(name)));
  const channels = x.shape.at(-1)!;
  const runningMean = variable('running_mean', [channels]);
  const runningVar = variable('running_var', [channels], () => new Float32Array(channels).fill(1));
  const options = { eps: file.number('eps', 1e-5), momentum: file.number('momentum', 0.1), runningMean, runningVar };
  const values = await run(
    device,
    () => {
      const [input, weight, bias] = [tensorOf('x', x), ...['weight', 'bias'].map((n) => tensorOf(n, file.get(n)))];
      const y = batchNorm(input, { weight, bias, ...options });
      const [dx, dweight, dbias] = gradients(y, [input, weight, bias], tensorOf('dy', dy));
      const trained = batchNormInference(input, { weight, bias, ...options });
      return { y, grad_x: dx, grad_weight: dweight, grad_bias: dbias, y_eval: trained };
    },
    { running_mean: runningMean, running_var: runningVar },
  );
  const tolerance = toleranceOf(elements(x.shape) / channels);
  for (const [name, data] of Object.entries(values)) {
    const whole = data.length === elements(x.shape);
    const ours = whole ? channelsFirst({ shape: x.shape, data }).data : data;
    expectClose(name, ours, file.get(name), tolerance);
  }
  return undefined;
};

export default check;
