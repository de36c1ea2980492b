import { expect, it } from 'vitest';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { input, trace } from '../../src/graph/trace.ts';
import { MemoryBank } from '../../src/ssl/memory_bank.ts';
import { noise, onEveryAdapter } from '../ops/harness.ts';

const [images, dimensions] = [9, 5];

const rowsOf = (values: ArrayLike<number>): number[][] =>
  Array.from({ length: values.length / dimensions }, (_, i) =>
    Array.from(values).slice(dimensions * i, dimensions * (i + 1)),
  );

const unit = (row: readonly number[]): number[] => row.map((value) => value / Math.hypot(...row));

onEveryAdapter((gpu) => {
  it('rows of the batch move towards their vectors and stay of length one; all others, and all of a step that was left out, stay', async () => {
    const bank = new MemoryBank({ images, dimensions, seed: 3, momentum: 0.75 });
    const { graph } = trace(() => {
      bank.update(input('index', [3], 'u32'), input('v', [3, dimensions], 'f32'), input('made', [1], 'u32'));
    });
    const state = new State(gpu());
    const program = await Program.compile(graph, state);
    const expected = rowsOf(await state.read(bank.rows));
    for (const row of expected) expect(Math.hypot(...row)).toBeCloseTo(1, 6);
    for (let step = 1; step <= 4; step++) {
      const index = [0, 1, 2].map((i) => (2 * step + 3 * i) % images);
      const v = rowsOf(noise(3 * dimensions, step)).map(unit);
      const made = step === 3 ? 0 : 1;
      const values = { index: Uint32Array.from(index), v: Float32Array.from(v.flat()), made: Uint32Array.of(made) };
      program.run(values);
      if (made)
        for (const [i, row] of index.entries())
          expected[row] = unit(expected[row].map((old, c) => 0.75 * old + 0.25 * v[i][c]));
      const found = rowsOf(await state.read(bank.rows));
      for (const [row, wanted] of expected.entries())
        for (const [c, value] of wanted.entries())
          expect(found[row][c], `step ${step}, row ${row}`).toBeCloseTo(value, 5);
    }
    program.destroy();
    state.destroy();
  });
});
