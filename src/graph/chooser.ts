import type { Gpu } from '../gpu/device.ts';
import type { Choose, PlanOptions } from './plan.ts';
import type { Tensor } from './tensor.ts';
import type { Graph } from './trace.ts';

/** Decides before a graph is planned which variants its nodes take. */
export interface Chooser {
  choose(graph: Graph, outputs: readonly Tensor[], options: PlanOptions): Promise<Choose>;
}

const choosers = new WeakMap<Gpu, Chooser>();

/** From now on every program that is compiled for this device takes the variants that `chooser` says. */
export const useChooser = (gpu: Gpu, chooser: Chooser): void => void choosers.set(gpu, chooser);

export const chooserOf = (gpu: Gpu): Chooser | undefined => choosers.get(gpu);
