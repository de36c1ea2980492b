import { expect, it } from 'vitest';
import { Program } from '../src/graph/program.ts';
import { State } from '../src/graph/state.ts';
import { trace, variable } from '../src/graph/trace.ts';
import { noise, onEveryAdapter } from './ops/harness.ts';
import { SimClr } from './ssl/contrastive.ts';

// Comparisons with NaN are false, and compilers of shaders may assume that there is none: a kernel can swallow it unnoticed.
onEveryAdapter((gpu) => {
  it.each([true, false])(
    'NaN in one channel of the first layer reaches every feature (training %s)',
    async (training) => {
      const model = new SimClr();
      const size = 16;
      const { graph, result } = trace(() => {
        const x = variable('x', [2, size, size, 4], () => noise(2 * size * size * 4));
        return { features: model.encoder.forward(x, { training }) };
      });
      const state = new State(gpu());
      const program = await Program.compile(graph, state, result);
      const weight = model.parameters.find(({ tensor }) => tensor.name === 'bn1.weight')!.tensor;
      state.write(weight, new Float32Array(64).fill(1).with(3, Number.NaN));
      const { features } = await program.run().read();
      expect((features as Float32Array).every(Number.isNaN)).toBe(true);
      program.destroy();
      state.destroy();
    },
  );
});
