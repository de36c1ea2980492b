import { expect, it } from 'vitest';
import { constant, input, trace, variable } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { gatherImages } from '../../src/ops/gather_images.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { relu } from '../../src/ops/relu.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { interpret } from '../reference/interpreter.ts';

const positive = (name: string, ...values: number[]) =>
  variable(name, [values.length], () => Float32Array.from(values));

it('gradients of a tensor that is read several times are summed', () => {
  const x = positive('x', 1, 2, -3);
  const { graph, result } = trace(() => {
    const y = add(add(relu(x), x), add(x, x));
    return gradients(y, [x], constant('dy', Float32Array.of(1, 10, 100)))[0];
  });
  expect([...interpret(graph).get(result)!]).toEqual([4, 40, 300]);
});

it('both inputs of one op may be the same tensor, and the loss itself may be a target', () => {
  const x = positive('x', 5);
  const { graph, result } = trace(() => {
    const y = add(x, x);
    return gradients(y, [x, y]);
  });
  expect(result.map((tensor) => [...interpret(graph).get(tensor)!])).toEqual([[2], [1]]);
});

it('gradients pass views under the shape of what they belong to', () => {
  const x = variable('x', [2, 3], () => Float32Array.of(1, -1, 1, -1, 1, -1));
  const { graph, result } = trace(() => {
    const y = relu(reshape(x, [3, 2]));
    return gradients(y, [x], constant('dy', Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]))[0];
  });
  expect(result.shape).toEqual([2, 3]);
  expect([...interpret(graph).get(result)!]).toEqual([1, 0, 3, 0, 5, 0]);
});

it('nothing is recorded for what no target lies behind', () => {
  const x = input('x', [1, 4, 4, 4], 'f32');
  const w = variable('w', [4, 3, 3, 4]);
  const { graph } = trace(() => gradients(reshape(conv2d(x, w), [16]), [w], input('dy', [16], 'f32')));
  const names = graph.nodes.map(({ op }) => op.name);
  expect(names).toContain('conv2d_backward_weight');
  // The gradient with respect to the images is recorded by conv2d's rule, and is no target's: the plan drops it.
  expect(names.filter((name) => name === 'add')).toEqual([]);
});

it('a target that the loss does not depend on, and an op without a gradient rule, are named', () => {
  const x = positive('x', 1);
  const lonely = positive('lonely', 1);
  expect(() => trace(() => gradients(relu(x), [lonely]))).toThrow('the loss does not depend on lonely f32[1]');
  const indices = variable('indices', [1], undefined, 'u32');
  const shard = constant('shard', new Uint32Array(12), [4, 3]);
  const size = { height: 2, width: 2 };
  expect(() => trace(() => gradients(gatherImages(indices, [shard], size), [indices]))).toThrow(
    "gather_images: 'gather_images' has no gradient rule, but a gradient has to pass through it",
  );
});
