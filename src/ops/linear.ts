import { check, type Tensor } from '../graph/tensor.ts';
import { matmul } from './matmul.ts';

/** y = x Wᵀ + b for x [M, in], weight [out, in] and bias [out]: PyTorch's layout. One `matmul` node, whose gradients are its own. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  check(
    x.shape.length === 2 && weight.shape.length === 2 && x.shape[1] === weight.shape[1],
    'linear',
    'x [M, in] and weight [out, in] must have the same number of input features',
    x,
    weight,
  );
  if (bias) check(bias.shape.join() === `${weight.shape[0]}`, 'linear', 'the bias must be [out]', bias, weight);
  return matmul(x, weight, { transposeB: true, bias });
}
