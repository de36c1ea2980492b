/**
 * Functions of two tensors, element by element, whose shapes broadcast (NumPy's rules): one kernel, of which a constant chooses the
 * function. Gradients are sums of such functions over the axes along which an input was repeated.
 */
import forward from '../../kernels/elementwise/binary.wgsl';
import forwardF16 from '../../kernels/elementwise/binary_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Launch, type Op, type Tensor } from '../graph/tensor.ts';
import { apply, constant } from '../graph/trace.ts';
import { sumTo } from './reduce.ts';
import { broadcastShape, broadcastStrides, mergeAxes, numbered } from './strides.ts';
import { neg } from './unary.ts';

/** Gradients of f(a, b) before they are summed to the shapes of a and b; y is the output. */
type Rule = (dy: Tensor, a: Tensor, b: Tensor, y: Tensor) => readonly Tensor[];

/** y = f(a, b). Without a rule, f is constant nearly everywhere and nothing has a gradient through it. */
function binary(name: string, rule?: Rule): Op<null> {
  return {
    name,
    infer([a, b]) {
      const shape = broadcastShape(a.shape, b.shape);
      check(shape !== undefined, name, 'the shapes must broadcast', a, b);
      const types = a.dtype === b.dtype && (a.dtype === 'f32' || a.dtype === 'f16');
      check(types, name, 'both inputs must be f32, or both f16', a, b);
      return [{ shape: shape!, dtype: a.dtype }];
    },
    launches: ({ inputs: [a, b], outputs: [y] }) => [binaryLaunch(name, a, b, y)],
    gradient({ inputs: [a, b], outputs: [y] }, [dy]) {
      if (!dy || !rule) return [];
      const [da, db] = rule(dy, a, b, y);
      return [sumTo(da, a.shape), sumTo(db, b.shape)];
    },
  };
}

const mostAxes = 4;

function binaryLaunch(name: string, a: Tensor, b: Tensor, y: Tensor): Launch {
  const strides = [broadcastStrides(a.shape, y.shape), broadcastStrides(b.shape, y.shape)];
  const merged = mergeAxes({ sizes: y.shape, strides });
  const rank = merged.sizes.length;
  check(rank <= mostAxes, name, `at most ${mostAxes} axes can be told apart by what is repeated along them`, a, b);
  const { n0: _outermost, ...inner } = numbered('n', merged.sizes, mostAxes, 1);
  return {
    kernel: a.dtype === 'f16' ? forwardF16 : forward,
    constants: { rank, [`is_${name.replace('_broadcast', '')}`]: 1 },
    bindings: { a, b, y },
    params: {
      size: y.size,
      ...inner,
      ...numbered('a', merged.strides[0], mostAxes, 0),
      ...numbered('b', merged.strides[1], mostAxes, 0),
    },
    workgroups: grid1d(y.size, 64),
  };
}

/** Two tensors, or a tensor and a number, which stands for a constant [1] of its type. */
export type Operands = [a: Tensor, b: Tensor | number] | [a: number, b: Tensor];

/** The tensors that operands stand for. */
export function operands(given: Operands): [Tensor, Tensor] {
  const like = given.find((operand) => typeof operand !== 'number') as Tensor;
  const [a, b] = given.map((operand) => (typeof operand === 'number' ? scalar(operand, like) : operand));
  return [a, b];
}

const scalar = (value: number, { dtype }: Tensor): Tensor => constant(`${value}`, Float32Array.of(value), [1], dtype);

const of = (op: Op<null>, given: Operands): Tensor => apply(op, operands(given), null)[0];

/** The general form of `addOp`, whose inputs have one shape and which other ops fuse with. */
export const addBroadcastOp = binary('add_broadcast', (dy) => [dy, dy]);
export const addBroadcast = (a: Tensor, b: Tensor): Tensor => of(addBroadcastOp, [a, b]);

export const subOp = binary('sub', (dy) => [dy, neg(dy)]);
/** As `torch.sub`: a − b. Shapes broadcast, both f32 or both f16, and one of the two may be a number, in all functions here. */
export const sub = (...ab: Operands): Tensor => of(subOp, ab);

export const mulOp = binary('mul', (dy, a, b) => [mul(dy, b), mul(dy, a)]);
/** As `torch.mul`: a · b. */
export const mul = (...ab: Operands): Tensor => of(mulOp, ab);

// d(a/b)/db = −a/b² = −y/b
export const divOp = binary('div', (dy, _a, b, y) => [div(dy, b), neg(div(mul(dy, y), b))]);
/** As `torch.div`: a / b. */
export const div = (...ab: Operands): Tensor => of(divOp, ab);

/** 1 where a > b, ½ where they are equal, 0 where a < b: `torch.heaviside` of a − b. What of dy goes to a in max(a, b). */
export const heaviside = (...ab: Operands): Tensor => of(heavisideOp, ab);
export const heavisideOp = binary('heaviside');

export const minimumOp = binary('minimum', (dy, a, b) => [mul(dy, heaviside(b, a)), mul(dy, heaviside(a, b))]);
/** As `torch.minimum`; where a and b are equal, each has half of the gradient. */
export const minimum = (...ab: Operands): Tensor => of(minimumOp, ab);

export const maximumOp = binary('maximum', (dy, a, b) => [mul(dy, heaviside(a, b)), mul(dy, heaviside(b, a))]);
/** As `torch.maximum`; where a and b are equal, each has half of the gradient. */
export const maximum = (...ab: Operands): Tensor => of(maximumOp, ab);

export const eqOp = binary('eq');
/** As `torch.eq`, in the type of the inputs: 1 where a = b, else 0. It has no gradient. */
export const eq = (...ab: Operands): Tensor => of(eqOp, ab);
