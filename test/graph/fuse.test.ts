import { expect, it } from 'vitest';
import { fuse } from '../../src/graph/fuse.ts';
import type { Op, Tensor } from '../../src/graph/tensor.ts';
import { apply, flatVariable, input, trace, variable } from '../../src/graph/trace.ts';

// `outer(inner(x))` becomes one node `both`; `bump` updates a variable in place.
const inner: Op<null> = { name: 'inner', infer: ([x]) => [x], launches: () => [] };
const both: Op<null> = { name: 'both', infer: ([x]) => [x], launches: () => [] };
const bump: Op<null> = { name: 'bump', infer: () => [], launches: () => [], mutates: () => [0] };
const read: Op<null> = { name: 'read', infer: ([x]) => [x], launches: () => [] };
const innerUpdating: Op<null> = { ...inner, name: 'innerUpdating', mutates: () => [1] };
const outer: Op<null> = {
  name: 'outer',
  infer: ([x]) => [x],
  launches: () => [],
  fuse({ inputs: [x], outputs }, around) {
    const producer = around.producer(x);
    if (producer?.op !== inner && producer?.op !== innerUpdating) return undefined;
    return { op: both, inputs: producer.inputs, attrs: null, absorbs: [producer], replaces: outputs };
  },
};
const one = (op: Op<null>, ...inputs: Tensor[]): Tensor => apply(op, inputs, null)[0];

const w = variable('w', [4]);
const names = (build: () => Tensor[]): string[] => {
  const { graph, result } = trace(build);
  return fuse(graph.nodes, result).map(({ label }) => label);
};

it('a node absorbs its producer, and readers keep the tensors that they read', () => {
  const { graph, result } = trace(() => {
    const y = one(outer, one(inner, w));
    return [y, one(read, y)];
  });
  const nodes = fuse(graph.nodes, result);
  expect(nodes.map(({ label }) => label)).toEqual(['both', 'read']);
  expect(nodes[0].outputs[0]).toBe(result[0]);
  expect(nodes[0].inputs).toEqual([w]);
});

it('stays apart where another node, or the program, reads what would no longer be made', () => {
  const shared = (reads: (x: Tensor) => Tensor[]) => () => {
    const x = one(inner, w);
    return [one(outer, x), ...reads(x)];
  };
  expect(names(shared((x) => [one(read, x)]))).toEqual(['inner', 'outer', 'read']);
  expect(names(shared((x) => [x]))).toEqual(['inner', 'outer']);
  expect(names(shared(() => []))).toEqual(['both']);
});

it('stays apart where a variable is updated between the two nodes', () => {
  const between = (...updated: Tensor[]) =>
    names(() => {
      const x = one(inner, w);
      for (const tensor of updated) apply(bump, [tensor], null);
      return [one(outer, x)];
    });
  expect(between(variable('other', [4]))).toEqual(['bump', 'both']);
  expect(between(w)).toEqual(['inner', 'bump', 'outer']);
});

it('stays apart where the variable that it updates itself is read or updated in between', () => {
  const updating = (between: () => void) =>
    names(() => {
      const x = apply(innerUpdating, [input('x', [4], 'f32'), w], null)[0];
      between();
      return [one(outer, x)];
    });
  const kept = ['innerUpdating', 'outer'];
  const reading: Tensor[] = [];
  expect(updating(() => {})).toEqual(['both']);
  expect(updating(() => reading.push(one(read, w)))).toEqual(kept.toSpliced(1, 0, 'read'));
  expect(updating(() => apply(bump, [w], null))).toEqual(kept.toSpliced(1, 0, 'bump'));
  expect(updating(() => apply(bump, [variable('other', [4])], null))).toEqual(['bump', 'both']);
});

it('stays apart where a variable that shares its memory is updated between the two nodes', () => {
  const [a, b, elsewhere] = ['a', 'b', 'elsewhere'].map((name) => variable(name, [4]));
  const [flat, other] = [flatVariable('weights', [a, b]), flatVariable('other weights', [elsewhere])];
  const between = (x: Tensor, ...updated: Tensor[]) =>
    names(() => {
      const y = one(inner, x);
      for (const tensor of updated) apply(bump, [tensor], null);
      return [one(outer, y)];
    });
  expect(between(a, flat)).toEqual(['inner', 'bump', 'outer']);
  expect(between(flat, b)).toEqual(['inner', 'bump', 'outer']);
  expect(between(a, other)).toEqual(['bump', 'both']);
  expect(between(flat, elsewhere)).toEqual(['bump', 'both']);

  const updating = (read: Tensor, updated: Tensor) =>
    names(() => {
      const x = apply(innerUpdating, [input('x', [4], 'f32'), updated], null)[0];
      const seen = one(inner, read);
      return [one(outer, x), seen];
    });
  expect(updating(a, flat)).toEqual(['innerUpdating', 'inner', 'outer']);
  expect(updating(a, other)).toEqual(['inner', 'both']);
});

it('updates of one variable keep their order among its readers', () => {
  const order = names(() => {
    apply(bump, [w], null);
    const x = one(read, w);
    apply(bump, [w], null);
    return [one(outer, one(inner, x)), one(read, w)];
  });
  expect(order).toEqual(['bump', 'read', 'bump', 'both', 'read']);
});

it('a producer with two readers that would each absorb it stays', () => {
  const twice = names(() => {
    const x = one(inner, input('x', [4], 'f32'));
    return [one(outer, x), one(outer, x)];
  });
  expect(twice).toEqual(['inner', 'outer', 'outer']);
});
