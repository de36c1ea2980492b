import type { Gpu } from '../gpu/device.ts';
import type { PlanOptions, VariantSelector } from './plan.ts';
import type { Tensor } from './tensor.ts';
import type { Graph } from './trace.ts';

/** Decides before a graph is planned which variants its nodes take. */
export interface VariantTuner {
  selectVariants(graph: Graph, outputs: readonly Tensor[], options: PlanOptions): Promise<VariantSelector>;
}

const tuners = new WeakMap<Gpu, VariantTuner>();

/** From now on every program that is compiled for this device takes the variants that `tuner` says. */
export const useVariantTuner = (gpu: Gpu, tuner: VariantTuner): void => void tuners.set(gpu, tuner);

export const variantTunerOf = (gpu: Gpu): VariantTuner | undefined => tuners.get(gpu);
