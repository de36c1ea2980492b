/** Functions of one tensor, element by element: one kernel, and one for the gradients, of which a constant chooses the function. */
import forward from '../../kernels/elementwise/unary.wgsl';
import backward from '../../kernels/elementwise/unary_backward.wgsl';
import backwardF16 from '../../kernels/elementwise/unary_backward_f16.wgsl';
import forwardF16 from '../../kernels/elementwise/unary_f16.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { check, type Launch, type Op, type Tensor } from '../graph/tensor.ts';
import { apply } from '../graph/trace.ts';

interface UnaryAttrs {
  /** Of leaky ReLU, 0 for the others. */
  readonly slope: number;
}

/** y = f(x). `saved`: the tensor by which f′ is told, of which dx = dy · f′ is made. */
function unary(name: string, saved: 'x' | 'y'): Op<UnaryAttrs> {
  const backwardOp = unaryBackward(name);
  return {
    name,
    infer([x]) {
      check(x.dtype === 'f32' || x.dtype === 'f16', name, 'the input must be f32 or f16', x);
      return [x];
    },
    launches: ({ inputs: [x], outputs: [y], attrs }) => [
      { kernel: x.dtype === 'f16' ? forwardF16 : forward, bindings: { x, y }, ...member(name, x, attrs) },
    ],
    gradient: ({ inputs: [x], outputs: [y], attrs }, [dy]) => [
      dy && apply(backwardOp, [dy, saved === 'x' ? x : y], attrs)[0],
    ],
  };
}

const unaryBackward = (name: string): Op<UnaryAttrs> => ({
  name: `${name}_backward`,
  infer: ([dy]) => [dy],
  launches: ({ inputs: [dy, saved], outputs: [dx], attrs }) => [
    { kernel: dy.dtype === 'f16' ? backwardF16 : backward, bindings: { dy, saved, dx }, ...member(name, dy, attrs) },
  ],
});

const member = (name: string, { size }: Tensor, { slope }: UnaryAttrs): Omit<Launch, 'kernel' | 'bindings'> => ({
  constants: { [`is_${name}`]: 1 },
  params: { size, slope },
  workgroups: grid1d(size, 64),
});

/** Applies a function of f32 or f16. */
const of = (op: Op<UnaryAttrs>, x: Tensor, slope = 0): Tensor => apply(op, [x], { slope })[0];

export const expOp = unary('exp', 'y');
/** As `torch.exp`: eˣ, element by element; any shape, f32 or f16, as all functions here. */
export const exp = (x: Tensor): Tensor => of(expOp, x);

export const logOp = unary('log', 'x');
/** As `torch.log`: the natural logarithm. */
export const log = (x: Tensor): Tensor => of(logOp, x);

export const sqrtOp = unary('sqrt', 'y');
/** As `torch.sqrt`; its gradient at 0 is infinite. */
export const sqrt = (x: Tensor): Tensor => of(sqrtOp, x);

export const absOp = unary('abs', 'x');
/** As `torch.abs`: |x|, of which the gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => of(absOp, x);

export const squareOp = unary('square', 'x');
/** As `torch.square`: x². */
export const square = (x: Tensor): Tensor => of(squareOp, x);

/** The gradient is −dy, so that x is not kept for it. */
export const negOp: Op<UnaryAttrs> = { ...unary('neg', 'x'), gradient: (_node, [dy]) => [dy && neg(dy)] };
/** As `torch.neg`: −x. */
export const neg = (x: Tensor): Tensor => of(negOp, x);

export const geluOp = unary('gelu', 'x');
/** As `torch.nn.functional.gelu`: x · Φ(x) with the normal distribution's own Φ (erf), not its approximation by tanh. */
export const gelu = (x: Tensor): Tensor => of(geluOp, x);

export const sigmoidOp = unary('sigmoid', 'y');
/** As `torch.sigmoid`: 1 / (1 + e⁻ˣ). */
export const sigmoid = (x: Tensor): Tensor => of(sigmoidOp, x);

export const tanhOp = unary('tanh', 'y');
/** As `torch.tanh`. */
export const tanh = (x: Tensor): Tensor => of(tanhOp, x);

export const leakyReluOp = unary('leaky_relu', 'x');
/** As `torch.nn.functional.leaky_relu`: x, but slope · x where x < 0. */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => of(leakyReluOp, x, slope);

export const softplusOp = unary('softplus', 'x');
/** As `torch.nn.functional.softplus`: log(1 + eˣ), for x of any size. */
export const softplus = (x: Tensor): Tensor => of(softplusOp, x);
