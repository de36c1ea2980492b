/** What the settings of an optimiser make of it. */
import { expect, it } from 'vitest';
import { flatVariable, input, trace, variable } from '../../src/graph/trace.ts';
import { makeOptimizer } from '../../src/ssl/settings.ts';
import { interpret } from '../reference/interpreter.ts';

it.each([
  ['adam', 0.9],
  ['adam', 0.5],
  ['adamw', 0],
] as const)('%s has the average of gradients that --beta1 %d says', (optimizer, beta1) => {
  const { graph, result } = trace(() => {
    const weights = flatVariable('weights', [variable('w', [3])]);
    const made = makeOptimizer({ optimizer, beta1, weightDecay: 0, momentum: 0.9 }, weights);
    const gradients = input('g', [weights.size], 'f32');
    made.update(gradients, variable('first_non_finite', [1], undefined, 'u32'));
    return { made, gradients };
  });
  const { made, gradients } = result;
  const scalars = graph.nodes.flatMap(({ inputs }) => inputs).find(({ name }) => name in made.scalars(1, 0.1))!;
  const values = interpret(
    graph,
    new Map([
      [gradients, Float64Array.from({ length: gradients.size }, (_, i) => (i < 3 ? i + 1 : 0))],
      [scalars, Float64Array.from(made.scalars(1, 0.1)[scalars.name])],
    ]),
  );
  const average = values.get(made.state[0].variable)!;
  for (const [i, g] of [1, 2, 3].entries()) expect(average[i]).toBeCloseTo((1 - beta1) * g, 6);
});
