import { check, type Tensor } from '../graph/tensor.ts';
import { constant, scope } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { mul, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { f16Weight } from '../ops/f16_copy.ts';
import { linear } from '../ops/linear.ts';
import { stack } from '../ops/rearrange.ts';
import { expand } from '../ops/reduce.ts';
import { reshape } from '../ops/reshape.ts';
import { split } from '../ops/split.ts';
import { sigmoid, tanh } from '../ops/unary.ts';
import { uniform } from './init.ts';
import { type Mode, Module } from './module.ts';

/** Sizes of a `Gru`. */
export interface GruOptions {
  /** Numbers of a step of the sequences, I. */
  readonly inputs: number;
  /** Numbers of the state, H. */
  readonly hidden: number;
  readonly seed: number;
}

/**
 * A gated recurrent unit (Cho et al., 2014) as `torch.nn.GRU(I, H, batch_first=True)`: one layer in one direction, under its names and
 * with its order of gates and its first values U(±1/√H). From state 0 on, with σ the logistic function,
 *
 *   r = σ(W_ir x + b_ir + W_hr h + b_hr),   z = σ(W_iz x + b_iz + W_hz h + b_hz)
 *   n = tanh(W_in x + b_in + r (W_hn h + b_hn)),   h ← (1 − z) n + z h
 *
 * Steps are recorded one after another, as many as the sequence has; what the input gives the gates is one product for all of them.
 */
export class Gru extends Module {
  private readonly inputWeight: Tensor;
  private readonly hiddenWeight: Tensor;
  private readonly inputBias: Tensor;
  private readonly hiddenBias: Tensor;

  constructor(
    name: string,
    private readonly options: GruOptions,
  ) {
    super(name);
    const { inputs, hidden, seed } = options;
    const drawn = (size: number) => (full: string) => uniform(seed, full, size, 1 / Math.sqrt(hidden));
    const gates = 3 * hidden;
    this.inputWeight = this.parameter('weight_ih_l0', [gates, inputs], drawn(gates * inputs));
    this.hiddenWeight = this.parameter('weight_hh_l0', [gates, hidden], drawn(gates * hidden));
    this.inputBias = this.parameter('bias_ih_l0', [gates], drawn(gates));
    this.hiddenBias = this.parameter('bias_hh_l0', [gates], drawn(gates));
  }

  /** Sequences [N, T, I] → the state behind each of their steps [N, T, H], f32 in any precision; state t has seen steps 0 … t. */
  forward(x: Tensor, { precision = 'f32' }: Mode): Tensor {
    const { inputs, hidden } = this.options;
    const [n, steps] = x.shape;
    check(x.shape.length === 3 && x.shape[2] === inputs, 'gru', `the input must be [N, T, ${inputs}]`, x);
    const [ofInput, ofHidden] = [this.inputWeight, this.hiddenWeight].map((weight) =>
      precision === 'f16' ? f16Weight(weight) : weight,
    );
    return scope(this.name, () => {
      const rows = linear(cast(reshape(x, [n * steps, inputs]), precision), ofInput, this.inputBias);
      const given = split(reshape(rows, [n, steps, 3 * hidden]), new Array<number>(steps).fill(1), 1);
      let h = expand(constant('state 0', new Float32Array(1)), [n, hidden]);
      const states = given.map((step) => {
        const kept = linear(cast(h, precision), ofHidden, this.hiddenBias);
        h = nextState(h, reshape(step, [n, 3 * hidden]), kept);
        return h;
      });
      return stack(states, 1);
    });
  }
}

/** The state [N, H] behind a step, from what the input and the state before give the gates r, z and n, [N, 3H] each. */
function nextState(h: Tensor, ofInput: Tensor, ofHidden: Tensor): Tensor {
  const hidden = h.shape[1];
  const parts = (x: Tensor) => split(x, [2 * hidden, hidden], 1);
  const [[inputGates, inputNew], [hiddenGates, hiddenNew]] = [parts(ofInput), parts(ofHidden)];
  const [r, z] = split(sigmoid(add(inputGates, hiddenGates)), [hidden, hidden], 1);
  const n = tanh(add(inputNew, mul(r, hiddenNew)));
  return add(n, mul(z, sub(h, n)));
}
