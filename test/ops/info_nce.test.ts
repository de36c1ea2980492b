import { expect, it } from 'vitest';
import { plan } from '../../src/graph/plan.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { constant, trace } from '../../src/graph/trace.ts';
import { type InfoNceOptions, infoNce } from '../../src/losses/info_nce.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { noKey } from '../../src/ops/info_nce.ts';
import { type Case, onEveryAdapter, sample, testCases, testGradient } from './harness.ts';

const numbers = (name: string, count: number, of: (i: number) => number) =>
  constant(
    name,
    Uint32Array.from({ length: count }, (_, i) => of(i)),
  );

/** Outputs and the gradients of all tensors that are compared; a tensor that is both has one. */
function outputs(q: Tensor, keys: Tensor, options: InfoNceOptions): Record<string, Tensor> {
  const { loss, accuracy, lse } = infoNce(q, keys, options);
  const targets = { dq: q, ...(keys !== q && { dkeys: keys }), ...(options.queue && { dqueue: options.queue }) };
  const found = gradients(loss, Object.values(targets), sample('dloss', [1], { offset: 3 }));
  return { loss, accuracy, lse, ...Object.fromEntries(Object.keys(targets).map((name, i) => [name, found[i]])) };
}

/** Several queries may have one target; every third has no excluded key. */
const keysCase = (m: number, k: number, d: number): Case => ({
  name: `info_nce of ${m} queries and ${k} keys, D = ${d}`,
  build() {
    const [q, keys] = [sample('q', [m, d], { scale: 0.5 }), sample('keys', [k, d], { scale: 0.5 })];
    const target = numbers('target', m, (i) => (i * 7 + 1) % k);
    const excluded = numbers('excluded', m, (i) => (i % 3 ? (i * 5 + 2) % k : noKey));
    return outputs(q, keys, { target, excluded, temperature: 0.3 });
  },
});

/** Each query has a key of its own; what the queue holds is compared with all. */
const queueCase = (n: number, size: number, d: number): Case => ({
  name: `info_nce of ${n} pairs and a queue of ${size}, D = ${d}`,
  build() {
    const [q, keys] = [sample('q', [n, d], { scale: 0.5 }), sample('keys', [n, d], { scale: 0.5 })];
    const queue = sample('queue', [size, d], { scale: 0.5 });
    return outputs(q, keys, { queue, own: n, temperature: sample('temperature', [1], { scale: 0.1, offset: 0.4 }) });
  },
});

/** Rows compared with each other, their targets in a ring: Y differs from its transpose. */
const ringCase = (m: number, d: number, queue = 0): Case => ({
  name: `info_nce of ${m} rows in a ring${queue ? ` and a queue of ${queue}` : ''}, D = ${d}`,
  build() {
    const z = sample('z', [m, d], { scale: 0.5 });
    const target = numbers('target', m, (i) => (i + 1) % m);
    const excluded = numbers('excluded', m, (i) => i);
    const more = queue > 0 && { queue: sample('queue', [queue, d], { scale: 0.5 }) };
    return outputs(z, z, { target, excluded, temperature: 0.5, ...more });
  },
});

// Around the tiles of 64 rows × 8 or 16 columns, one slice and many, dimensions that are no whole vec4s.
const cases: Case[] = [
  ...[1, 2, 4, 7, 128].map((d) => keysCase(7, 13, d)),
  ...[keysCase(1, 2, 3), keysCase(1, 1031, 5), keysCase(1031, 2, 5), keysCase(3, 2003, 20), keysCase(2003, 3, 20)],
  ...[63, 64, 65].flatMap((m) => [15, 16, 17, 129].map((k) => keysCase(m, k, 9))),
  ...[queueCase(1, 1, 3), queueCase(5, 7, 4), queueCase(64, 300, 16), queueCase(65, 1031, 33), queueCase(129, 1, 2)],
  ...[ringCase(3, 2), ringCase(9, 1), ringCase(65, 7), ringCase(130, 12), ringCase(17, 5, 40), ringCase(65, 8, 64)],
  {
    name: 'info_nce whose positives are no candidates: decoupled contrastive learning',
    build() {
      const [q, keys] = [sample('q', [9, 5]), sample('keys', [9, 5])];
      return outputs(q, keys, { excluded: numbers('excluded', 9, (i) => i), temperature: 1 });
    },
  },
  {
    name: 'info_nce of rows that are queries and own keys at once',
    build() {
      const z = sample('z', [20, 6]);
      return outputs(z, z, { own: 12, target: numbers('target', 20, (i) => (i * 3 + 5) % 20), temperature: 1 });
    },
  },
];
testCases(
  cases.map((item) => ({ ...item, feature: 'subgroups' })),
  { variant: 'subgroup' },
);
testCases(cases, { variant: 'portable' });

testGradient('info_nce with a queue', () => {
  const targets = [sample('q', [4, 3]), sample('keys', [4, 3]), sample('queue', [6, 3])];
  const [q, keys, queue] = targets;
  const { loss } = infoNce(q, keys, { queue, own: 4, temperature: 0.7 });
  const dy = sample('dloss', [1], { offset: 2 });
  return { y: loss, dy, targets, dx: gradients(loss, targets, dy) };
});

testGradient('info_nce of rows with each other', () => {
  const z = sample('z', [5, 3]);
  const target = numbers('target', 5, (i) => (i + 2) % 5);
  const { loss } = infoNce(z, z, { target, excluded: numbers('excluded', 5, (i) => i), temperature: 0.7 });
  const dy = sample('dloss', [1], { offset: 2 });
  return { y: loss, dy, targets: [z], dx: gradients(loss, [z], dy) };
});

onEveryAdapter((gpu) => {
  it('of equals the first is the answer, and a target that is no key makes the loss NaN', async () => {
    const { graph, result } = trace(() => {
      const same = (name: string, rows: number) => constant(name, new Float32Array(rows * 3).fill(1), [rows, 3]);
      const options = { queue: same('queue', 5), own: 2, temperature: 1 };
      const first = infoNce(same('q', 2), same('keys', 2), options);
      const outside = infoNce(same('q', 2), same('keys', 2), {
        ...options,
        target: numbers('target', 2, (i) => 7 * i),
      });
      return { loss: first.loss, accuracy: first.accuracy, outside: outside.loss };
    });
    const state = new State(gpu());
    const program = await Program.compile(graph, state, result);
    const values = await program.run().read();
    expect(values['loss'][0]).toBeCloseTo(Math.log(6), 5);
    expect(values['accuracy'][0]).toBe(1);
    expect(values['outside'][0]).toBeNaN();
    program.destroy();
    state.destroy();
  });

  it('only the gradients that are asked for are computed', () => {
    const computed = (which: number) => {
      const { graph, result } = trace(() => {
        const targets = [sample('q', [4, 3]), sample('keys', [4, 3]), sample('queue', [6, 3])];
        const { loss } = infoNce(targets[0], targets[1], { queue: targets[2], own: 4, temperature: 1 });
        return gradients(loss, [targets[which]]);
      });
      const { nodes } = plan(graph, result, gpu().traits);
      return nodes.filter(({ op }) => op.name === 'info_nce_backward').map(({ attrs }) => [attrs.of, attrs.first]);
    };
    expect([0, 1, 2].map(computed)).toEqual([[['queries', 0]], [['keys', 0]], [['keys', 4]]]);
  });
});

it('info_nce refuses what does not fit together', () => {
  const refused = (options: Partial<InfoNceOptions>, keys = [5, 3], dtype?: 'f16') => {
    const apply = () => infoNce(sample('q', [4, 3], { dtype }), sample('keys', keys), { temperature: 1, ...options });
    return expect(() => trace(apply));
  };
  refused({}, [5, 2]).toThrow('[info_nce] queries, keys and queue must be f32 matrices with rows of one length');
  refused({}, [5, 3], 'f16').toThrow('must be f32 matrices');
  refused({ queue: sample('queue', [5]) }).toThrow('must be f32 matrices');
  refused({ target: numbers('target', 5, (i) => i) }).toThrow('target and excluded must be one u32 for each query');
  refused({ excluded: sample('excluded', [4]) }).toThrow('must be one u32 for each query');
  refused({ own: 6 }).toThrow('own must be a number of keys, it is 6');
  refused({ own: 0.5 }).toThrow('own must be a number of keys');
  refused({ temperature: sample('temperature', [2]) }).toThrow('the temperature must be f32 [1]');
  refused({ temperature: 0 }).toThrow('the temperature must be above 0, it is 0');
});
