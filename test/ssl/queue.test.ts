import { expect, it } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { input, trace } from '../../src/graph/trace.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import { checkQueue, Queue } from '../../src/ssl/queue.ts';
import { noise, onEveryAdapter } from '../ops/harness.ts';

const options = { size: 12, dimensions: 5, seed: 3, pushed: 4 };

/** A step that pushes keys. */
function pushing() {
  const queue = new Queue(options);
  const feeds = new StepFeeds(options.pushed);
  const { graph } = trace(() => {
    queue.push(input('keys', [4, 5], 'f32'), feeds, input('made', [1], 'u32'));
  });
  return { queue, feeds, graph };
}

const time = (step: number) => ({
  ...{ seed: 1, step, epoch: 0, steps: 20, perEpoch: 20, first: 0 },
  indices: new Uint32Array(options.pushed),
});

const rowsOf = (values: ArrayLike<number>): number[][] =>
  Array.from({ length: values.length / 5 }, (_, i) => Array.from(values).slice(5 * i, 5 * i + 5));

onEveryAdapter((gpu) => {
  it('the oldest keys make room, in their order, around the end and again; those of a step that was left out stay away', async () => {
    const { queue, feeds, graph } = pushing();
    const state = new State(gpu());
    const program = await Program.compile(graph, state);
    const ring = rowsOf(await state.read(queue.rows));
    for (let step = 1; step <= 8; step++) {
      const keys = noise(20, step);
      const made = step === 5 ? 0 : 1;
      program.run({ keys, made: Uint32Array.of(made), ...feeds.values(time(step)) });
      if (made) ring.splice((4 * (step - 1)) % 12, 4, ...rowsOf(keys));
      expect(rowsOf(await state.read(queue.rows)), `after step ${step}`).toEqual(ring);
    }
    program.destroy();
    state.destroy();
  });
});

it('holds unit vectors at first, which the seed decides', () => {
  const first = (seed: number) => {
    const { origin } = new Queue({ ...options, seed }).rows;
    return origin.kind === 'variable' ? [...origin.init!()] : [];
  };
  for (const row of rowsOf(first(3))) expect(Math.hypot(...row)).toBeCloseTo(1, 6);
  expect(first(3)).toEqual(first(3));
  expect(first(3)).not.toEqual(first(4));
});

it('refuses a size that is no multiple of what a step adds', () => {
  expect(() => new Queue({ ...options, size: 13 })).toThrow('a queue of 13 rows cannot take 4 at a time');
  expect(() => checkQueue(12, 4, '--queue-size')).not.toThrow();
  const told = (size: number) => () => checkQueue(size, 4, '--queue-size');
  expect(told(13)).toThrow('--queue-size (13) must be a multiple of the 4 keys that a step adds: use 12 or 16');
  expect(told(2)).toThrow('--queue-size (2) must be a multiple of the 4 keys that a step adds: use 4');
});
