import type { Tensor } from '../../src/graph/tensor.ts';
import { constant } from '../../src/graph/trace.ts';
import type { Mode, NamedTensor } from '../../src/nn/module.ts';
import { Block } from '../../src/nn/transformer.ts';
import { Vit, vits } from '../../src/nn/vit.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { noise } from '../arrays.ts';
import type { Item, ListItems } from '../benchmark.ts';
import { graphItem } from '../graph_implementation.ts';

/**
 * ViT-tiny, one of its blocks or the whole, forward and backward. Values to compare: `y`, and `gradient of …` each parameter, of a block of
 * its input `x` too.
 */
export interface VitProblem {
  readonly kind: 'block' | 'network';
  readonly heads: number;
  readonly depth: number;
  /** Of x: tokens [batch, tokens, dimensions], or images [batch, side, side, 4], the fourth channel zero. */
  readonly shape: readonly number[];
  readonly x: Float32Array;
  /** The gradient of y: like the tokens, or [batch, dimensions]. */
  readonly dy: Float32Array;
  readonly outputs: readonly number[];
  /** First values under timm's names, as they lie in our memory: patches [dimensions, patch · patch · 4]. */
  readonly parameters: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
}

const { dimensions, depth, heads } = vits.vit_tiny;

interface Network {
  readonly parameters: readonly NamedTensor[];
  forward(x: Tensor, mode: Mode): Tensor;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** What a module's parameters start from. */
const firstValues = ({ parameters }: Network): VitProblem['parameters'] =>
  new Map(
    parameters.map(({ tensor: { name, shape, origin } }) => {
      if (origin.kind !== 'variable' || !origin.init) throw new Error(`'${name}' has no first value`);
      return [name, { shape, data: Float32Array.from(origin.init()) }] as const;
    }),
  );

type Sizes = Pick<VitProblem, 'kind' | 'shape' | 'outputs'>;

const vitItem = (name: string, { kind, shape, outputs }: Sizes, make: () => Network): Item<VitProblem> =>
  graphItem<VitProblem>({
    name: `${name} forward + backward`,
    shape: shape.slice(0, -1).join('×'),
    make() {
      const x = noise('x', sizeOf(shape));
      const seen = kind === 'network' ? x.map((value, i) => (i % 4 === 3 ? 0 : value)) : x;
      const dy = noise('dy', sizeOf(outputs));
      return { kind, heads, depth, shape, outputs, x: seen, dy, parameters: firstValues(make()) };
    },
    build(problem) {
      const network = make();
      const x = constant('x', problem.x, shape);
      const y = network.forward(x, { training: true });
      const of = [...(kind === 'block' ? [x] : []), ...network.parameters.map(({ tensor }) => tensor)];
      const all = gradients(y, of, constant('dy', problem.dy, outputs));
      return { y, ...Object.fromEntries(of.map((tensor, i) => [`gradient of ${tensor.name}`, all[i]])) };
    },
    tolerance: () => 1e-4,
  });

const block = (batch: number, tokens: number): Item<VitProblem> => {
  const shape = [batch, tokens, dimensions];
  return vitItem(
    'vit_block',
    { kind: 'block', shape, outputs: shape },
    () => new Block('block', { dimensions, heads, seed: 1 }),
  );
};

const network = (batch: number, side: number, patch: number): Item<VitProblem> => {
  const shape = [batch, side, side, 4];
  const options = {
    architecture: 'vit_tiny',
    width: 1,
    patch,
    grid: side / patch,
    positions: 'learned',
    seed: 1,
  } as const;
  return vitItem(
    `vit_tiny, patches of ${patch},`,
    { kind: 'network', shape, outputs: [batch, dimensions] },
    () => new Vit(options),
  );
};

const list: ListItems<VitProblem> = ({ quick }) =>
  quick ? [block(2, 17)] : [block(64, 65), block(8, 197), network(32, 32, 4), network(16, 96, 8)];

export default list;
