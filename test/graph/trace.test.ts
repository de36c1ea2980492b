import { expect, it } from 'vitest';
import { type Op, ShapeError } from '../../src/graph/tensor.ts';
import { apply, flatLayout, flatVariable, input, scope, trace, variable } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { conv2d } from '../../src/ops/conv2d.ts';
import { relu } from '../../src/ops/relu.ts';
import { reshape } from '../../src/ops/reshape.ts';

it('nodes are recorded in the order of the calls, labelled by the innermost scope and the op', () => {
  const x = input('x', [2, 3], 'f32');
  const { graph, result } = trace(() =>
    scope('layer1', () =>
      add(
        relu(x),
        scope('layer1.0', () => relu(reshape(x, [2, 3]))),
      ),
    ),
  );
  expect(graph.nodes.map(({ label }) => label)).toEqual([
    'layer1/relu',
    'layer1.0/reshape',
    'layer1.0/relu',
    'layer1/add',
  ]);
  expect(String(result)).toBe('layer1/add f32[2, 3]');
  expect(result.node).toBe(graph.nodes[3]);
});

it('traces nest, and a trace that throws leaves the outer one as it was', () => {
  const x = input('x', [1], 'f32');
  const { graph } = trace(() => {
    const inner = trace(() => relu(relu(x)));
    expect(inner.graph.nodes).toHaveLength(2);
    expect(() => trace(() => expect.fail('stop'))).toThrow('stop');
    return relu(x);
  });
  expect(graph.nodes).toHaveLength(1);
});

it('an op outside of trace() says so', () => {
  expect(() => relu(input('x', [1], 'f32'))).toThrow('[relu] ops can only be applied inside trace(() => …)');
});

it('shape errors name the op, the rule, and names and shapes of the inputs', () => {
  const a = input('a', [2, 3], 'f32');
  const b = input('b', [3, 2], 'f32');
  const fails = (build: () => unknown, message: string) => {
    expect(() => trace(build)).toThrow(ShapeError);
    expect(() => trace(build)).toThrow(message);
  };
  fails(() => add(a, b), '[add] both inputs must have one shape; got a f32[2, 3] and b f32[3, 2]');
  fails(() => reshape(a, [4, 2]), '[reshape] [4,2] must have as many elements as the input; got a f32[2, 3]');
  const x = input('x', [1, 5, 5, 4], 'f32');
  const w = variable('conv1.weight', [8, 3, 3, 3]);
  const rule = '[conv2d] the last dimensions of x and w must be equal';
  fails(() => conv2d(x, w), `${rule}; got x f32[1, 5, 5, 4] and conv1.weight f32[8, 3, 3, 3]`);
});

it('flat layouts start every member at a multiple of 512 elements', () => {
  const members = [1, 512, 513, 3].map((size, i) => variable(`p${i}`, [size]));
  expect(flatLayout(members)).toEqual({ offsets: [0, 512, 1024, 2048], length: 2560 });
  const flat = flatVariable('weights', members);
  expect(flat.shape).toEqual([2560]);
  expect(flat.members).toBe(members);
  expect(members.map((member) => member.flat)).toEqual(
    [0, 512, 1024, 2048].map((offset) => ({ parent: flat, offset })),
  );
  expect(() => flatVariable('again', [members[2]])).toThrow("p2 is already part of 'weights'");
});

it('a member finds its range in another flat variable of the same layout', () => {
  const members = [variable('a', [3]), variable('b', [2, 5])];
  const flat = flatVariable('weights', members);
  const moment = variable('exp_avg', flat.shape);
  const range = members[1].rangeOf(moment, 'exp_avg.b');
  expect(String(range)).toBe('exp_avg.b f32[2, 5]');
  expect(range.flat).toEqual({ parent: moment, offset: 512 });
  const half = members[1].rangeOf(variable('half', flat.shape, undefined, 'f16'), 'half.b');
  expect(String(half)).toBe('half.b f16[2, 5]');
  expect(() => members[1].rangeOf(variable('other', [7]), 'x')).toThrow('does not have the layout of the parent of b');
  expect(() => moment.rangeOf(flat, 'x')).toThrow('does not have the layout of the parent of exp_avg');
});

it('outputs of a node are told apart by number', () => {
  const two: Op<null> = { name: 'two', infer: ([x]) => [x, x], launches: () => [] };
  const { result } = trace(() => apply(two, [input('x', [1], 'f32')], null));
  expect(result.map(({ name }) => name)).toEqual(['two#0', 'two#1']);
});
