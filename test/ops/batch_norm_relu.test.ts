import { describe, expect, it } from 'vitest';
import { fuse } from '../../src/graph/fuse.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import type { Shape, Tensor } from '../../src/graph/tensor.ts';
import { trace } from '../../src/graph/trace.ts';
import { add } from '../../src/ops/add.ts';
import { batchNorm, batchNormInference } from '../../src/ops/batch_norm.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { relu } from '../../src/ops/relu.ts';
import { type Case, onEveryAdapter, sample, testCases } from './harness.ts';

type Normalise = (x: Tensor) => Tensor;

const affine = (channels: number) => ({
  weight: sample('weight', [channels], { offset: 1.5 }),
  bias: sample('bias', [channels]),
  runningMean: sample('running_mean', [channels]),
  runningVar: sample('running_var', [channels], { scale: 0.5, offset: 1 }),
});

/** A batch norm layer that notes its variables in `variables`. */
function layer(training: boolean, channels: number, variables: Tensor[]): Normalise {
  const options = affine(channels);
  variables.push(options.weight, options.bias);
  return (x) => (training ? batchNorm(x, options) : batchNormInference(x, options));
}

interface Block {
  readonly name: string;
  readonly shape: Shape;
  readonly training?: boolean;
  /** What stands beside the main branch, given the block's input and a layer for it. */
  shortcut?(x: Tensor, downsample: Normalise): Tensor;
  /** Names of the batch norm and ReLU nodes that the plan must have, in order. */
  readonly plan: readonly string[];
}

/** y = relu(bn2(relu(bn1(x))) + shortcut(x)), all gradients, and the output read once more, as the next block would. */
function traceBlock({ shape, training = true, shortcut }: Block): Record<string, Tensor> {
  const targets: Tensor[] = [sample('x', shape)];
  const [bn1, bn2, downsample] = [0, 1, 2].map(() => layer(training, shape.at(-1)!, targets));
  const x = relu(targets[0]);
  const main = bn2(relu(bn1(x)));
  const y = relu(shortcut ? add(main, shortcut(x, downsample)) : main);
  const used = shortcut?.length === 2 ? targets : targets.slice(0, 5);
  const outputs = gradients(add(y, relu(y)), used, sample('dy', shape));
  return { y, ...Object.fromEntries(outputs.map((tensor, i) => [`d${used[i].name}${i}`, tensor])) };
}

const forward = 'batch_norm_relu';
const backward = 'batch_norm_relu_backward';
const withoutShortcut = { plan: [forward, forward, backward, backward] };
const identity = { ...withoutShortcut, shortcut: (x: Tensor) => x };
const downsample = {
  shortcut: (x: Tensor, normalise: Normalise) => normalise(x),
  plan: ['batch_norm', forward, forward, backward, 'batch_norm_backward', backward],
};

const blocks: Block[] = [
  { name: 'no shortcut', shape: [2, 5, 3, 8], ...withoutShortcut },
  { name: 'no shortcut', shape: [31, 7], ...withoutShortcut },
  { name: 'identity', shape: [3, 5, 5, 68], ...identity },
  { name: 'identity', shape: [2, 9, 11, 3], ...identity },
  { name: 'identity, frozen', shape: [2, 9, 11, 4], training: false, ...identity },
  { name: 'downsampled', shape: [2, 7, 7, 64], ...downsample },
  { name: 'downsampled', shape: [13, 5], ...downsample },
  { name: 'downsampled, frozen', shape: [13, 8], training: false, ...downsample },
];

const nameOf = ({ name, shape }: Block) => `${name} [${shape}]`;

// Gradients pass two batch norms, each of which takes off their mean and their share along x̂: the rest has fewer digits.
const tolerance = 4e-5;
testCases(blocks.map((block): Case => ({ name: nameOf(block), build: () => traceBlock(block), tolerance })));

// Where intermediates are kept for looking at, nothing is done in place: the cases above run so.
onEveryAdapter((gpu) => {
  it.each(blocks.map((block) => [nameOf(block), block] as const))('in place: %s', async (_name, block) => {
    const { graph, result } = trace(() => traceBlock(block));
    const state = new State(gpu());
    const [apart, inPlace] = [
      await Program.compile(graph, state, result, { inspect: true }),
      await Program.compile(graph, state, result),
    ];
    const shares = inPlace.plan.launches.filter(({ constants }) => constants?.['in_place'] === 1);
    expect(shares.length).toBeGreaterThan(0);
    expect(await inPlace.run().read()).toEqual(await apart.run().read());
    apart.destroy();
    inPlace.destroy();
    state.destroy();
  });
});

describe('the plan', () => {
  it('keeps the output of a ReLU for the way back only where a residual was added', () => {
    const inputs = (build: () => Record<string, Tensor>) => {
      const { graph, result } = trace(build);
      const nodes = fuse(graph.nodes, Object.values(result));
      return nodes.filter(({ op }) => op.name === backward).map((node) => node.attrs.recompute);
    };
    expect(inputs(() => traceBlock(blocks[0]))).toEqual([true, true]);
    expect(inputs(() => traceBlock({ ...blocks[0], ...identity }))).toEqual([false, true]);
  });

  /** Names of the nodes that remain of `build`'s graph, batch norms and ReLUs only. */
  function fusedNames(build: () => Record<string, Tensor>): string[] {
    const { graph, result } = trace(build);
    const names = fuse(graph.nodes, Object.values(result)).map((node) => node.op.name);
    return names.filter((name) => name.startsWith('batch_norm'));
  }

  it.each(blocks.map((block) => [nameOf(block), block] as const))('fuses: %s', (_name, block) => {
    expect(fusedNames(() => traceBlock(block)).toSorted()).toEqual(block.plan.toSorted());
  });

  it('keeps a batch norm whose output something else reads', () => {
    const normal = () => layer(true, 4, [])(sample('x', [6, 4]));
    const names = fusedNames(() => {
      const y = normal();
      const twice = normal();
      return { a: relu(y), b: add(y, y), c: relu(add(twice, twice)) };
    });
    expect(names).toEqual(['batch_norm', 'batch_norm']);
  });

  it('keeps a batch norm in its place where its running statistics are read before the ReLU', () => {
    const options = affine(4);
    const names = fusedNames(() => {
      const y = batchNorm(sample('x', [6, 4]), options);
      const inference = batchNormInference(sample('x', [6, 4]), options);
      return { y: relu(y), inference: relu(inference) };
    });
    expect(names).toEqual(['batch_norm', forward]);
  });

  it('adds a residual from either side, and one of two normalised branches', () => {
    const normal = () => layer(true, 4, [])(sample('x', [6, 4]));
    const names = fusedNames(() => ({
      left: relu(add(normal(), sample('residual', [6, 4]))),
      right: relu(add(sample('residual', [6, 4]), normal())),
      both: relu(add(normal(), normal())),
    }));
    expect(names).toEqual([forward, forward, 'batch_norm', forward]);
  });
});
