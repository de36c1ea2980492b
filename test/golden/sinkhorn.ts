import { sinkhorn } from '../../src/losses/sinkhorn.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const [epsilon, iterations] = ['epsilon', 'iterations'].map((name) => file.number(name));
  const { codes } = await run(device, () => ({
    codes: sinkhorn(tensorOf('scores', file.get('scores')), { epsilon, iterations }),
  }));
  // exp of a number of 1/ε carries the rounding of that number: 2⁻²⁴/ε, and log-softmaxes add to it.
  expectClose('codes', codes, file.get('codes'), Math.max(3e-6, 2 ** -23 / epsilon));
  return undefined;
};

export default check;
