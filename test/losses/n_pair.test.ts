import { expect, it } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { trace, variable } from '../../src/graph/trace.ts';
import { nPair } from '../../src/losses/n_pair.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { type Case, noise, onEveryAdapter, sample, testCases, testGradient } from '../ops/harness.ts';

const pairsCase = (n: number, d: number): Case => ({
  name: `n_pair [${n}, ${d}]`,
  build() {
    const [anchor, positive] = [sample('anchor', [n, d]), sample('positive', [n, d])];
    const { loss, accuracy } = nPair(anchor, positive);
    const [danchor, dpositive] = gradients(loss, [anchor, positive], sample('dloss', [1], { offset: 3 }));
    return { loss, accuracy, danchor, dpositive };
  },
});
testCases([pairsCase(2, 3), pairsCase(7, 1), pairsCase(65, 12)]);

testGradient('n_pair', () => {
  const targets = [sample('anchor', [5, 3]), sample('positive', [5, 3])];
  const { loss } = nPair(targets[0], targets[1]);
  const dy = sample('dloss', [1], { offset: 2 });
  return { y: loss, dy, targets, dx: gradients(loss, targets, dy) };
});

testGradient('n_pair with a cost of length', () => {
  const targets = [sample('anchor', [5, 3]), sample('positive', [5, 3])];
  const { loss } = nPair(targets[0], targets[1], { l2: 0.3 });
  const dy = sample('dloss', [1], { offset: 2 });
  return { y: loss, dy, targets, dx: gradients(loss, targets, dy) };
});

onEveryAdapter((gpu) => {
  it('n_pair is the mean of log(1 + Σ exp(f·f_j − f·f⁺))', async () => {
    const [n, d] = [9, 4];
    const [f, g] = [noise(n * d, 3), noise(n * d, 4)];
    const { graph, result } = trace(() => ({
      loss: nPair(
        variable('anchor', [n, d], () => f),
        variable('positive', [n, d], () => g),
      ).loss,
    }));
    const state = new State(gpu());
    const program = await Program.compile(graph, state, result);
    const { loss } = await program.run().read();
    program.destroy();
    state.destroy();
    const s = (i: number, j: number) =>
      Array.from({ length: d }, (_, c) => f[i * d + c] * g[j * d + c]).reduce((a, b) => a + b);
    const rows = Array.from({ length: n }, (_, i) => i);
    const terms = rows.map((i) =>
      Math.log1p(rows.reduce((sum, j) => (j === i ? sum : sum + Math.exp(s(i, j) - s(i, i))), 0)),
    );
    expect(loss[0]).toBeCloseTo(terms.reduce((a, b) => a + b) / n, 5);
  });
});
