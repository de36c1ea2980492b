import type { Tensor } from '../graph/tensor.ts';
import type { Module } from '../nn/module.ts';
import type { Feeds, StepTime } from './feeds.ts';
import type { ParameterGroup } from './method.ts';

type Part = NonNullable<ParameterGroup['parts']>[number];

/**
 * A layer that learns nothing in the first epochs, as if its gradient were none: SwAV's prototypes, DINO's last layer. It begins to
 * learn as it was: without momentum. (Adam's bias correction counts the frozen steps too.) Epochs may be a fraction.
 */
export class FrozenStart {
  constructor(private readonly epochs: number) {}

  isFrozen({ step, perEpoch }: Pick<StepTime, 'step' | 'perEpoch'>): boolean {
    return step <= this.epochs * perEpoch;
  }

  /** For `gradientGate`: f32 [1], 0 in the steps in which the layer is frozen, 1 in others. */
  open(feeds: Feeds): Tensor {
    return feeds.scalar('the last layer learns', (time) => (this.isFrozen(time) ? 0 : 1));
  }

  /** The layer as a part of a group: without decay while it is frozen. */
  part(modules: readonly Pick<Module, 'parameters'>[], weightDecay: (time: StepTime) => number): Part {
    return { modules, weightDecay: (time) => (this.isFrozen(time) ? 0 : weightDecay(time)) };
  }
}
