import type { Tensor } from '../graph/tensor.ts';
import { scope } from '../graph/trace.ts';
import { mul, sub } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { relu } from '../ops/relu.ts';
import { exp, neg } from '../ops/unary.ts';
import { Module } from './module.ts';

/** 1/τ is at most 100, as in CLIP. */
const most = Math.log(100);

/**
 * A temperature that is learnt (Radford et al., 2021, §2.5): rows times 1/τ = exp(min(s, log 100)), s the parameter `logit_scale`. CLIP
 * clips s itself behind each update; here s is clipped where it is used, and its gradient passes as if it were not, so that an s above
 * log 100 finds back.
 */
export class LogitScale extends Module {
  private readonly scale: Tensor;

  /** @param temperature its first value */
  constructor(temperature: number) {
    super('');
    this.scale = this.parameter('logit_scale', [1], () => Float32Array.of(-Math.log(temperature)));
  }

  forward(rows: Tensor): Tensor {
    return scope('logit_scale', () => mul(rows, exp(this.clipped())));
  }

  /** τ, f32 [1]. */
  temperature(): Tensor {
    return scope('logit_scale', () => exp(neg(this.clipped())));
  }

  private clipped(): Tensor {
    return sub(this.scale, detach(relu(sub(this.scale, most))));
  }
}
