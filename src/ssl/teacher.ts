/** A network that follows another: the key encoder of MoCo, the target of BYOL, the teacher of DINO. */
import type { Tensor } from '../graph/tensor.ts';
import type { Module } from '../nn/module.ts';
import { ema } from '../ops/ema.ts';
import { cosineBetween } from '../optim/schedule.ts';
import { layFlat } from '../optim/trained_group.ts';
import type { Feeds, StepTime } from './feeds.ts';

type Modules = readonly Pick<Module, 'parameters' | 'buffers'>[];

/**
 * Networks whose parameters are an exponential moving average of those of others (Tarvainen & Valpola, 2017): θ' ← m θ' + (1 − m) θ, in
 * one dispatch. They start from the same values where their names are the same but for the network's. Their running statistics are
 * their own: of their passes in training mode. To be declared in `Learner.kept`.
 */
export class Teacher {
  constructor(
    private readonly modules: Modules,
    private readonly followed: Modules,
  ) {}

  get parameters() {
    return this.modules.flatMap(({ parameters }) => parameters);
  }

  get buffers() {
    return this.modules.flatMap(({ buffers }) => buffers);
  }

  /**
   * Records one step towards the followed networks, which a group of the learner has, one after another and in this order.
   *
   * @param momentum m of a step: 1 leaves the teacher as it is, 0 makes it a copy
   * @param made of `Step.after`: behind the update, nothing is done where that was left out
   */
  follow(feeds: Feeds, momentum: (time: StepTime) => number, made?: Tensor): void {
    layFlat('teacher', this.parameters);
    const tensors = (modules: Modules) => modules.flatMap(({ parameters }) => parameters.map(({ tensor }) => tensor));
    // 1 − m and not m: near 1, what counts are the last digits.
    const rate = feeds.scalar('ema rate', (time) => 1 - momentum(time));
    ema(tensors(this.modules), tensors(this.followed), { rate, made });
  }
}

/** Settings of a network that follows another: no part of it is left out of a step (stochastic depth), as targets are to be sure. */
export const stillOf = <S extends object>(settings: S): S & { readonly dropPath: 0 } => ({ ...settings, dropPath: 0 });

/** BYOL's momentum: from `first` in the first step by half a cosine to `last` after the last. */
export const momentumSchedule =
  (first: number, last: number) =>
  ({ step, steps }: Pick<StepTime, 'step' | 'steps'>): number =>
    cosineBetween(first, last, (step - 1) / steps);
