/** Batch norm's running statistics where processes share a batch: each process has moved them by its own images only. */
import type { Data, Tensor } from '../graph/tensor.ts';
import { flatLayout, type Graph } from '../graph/trace.ts';
import type { NamedTensor } from '../nn/module.ts';
import { shareKept } from '../ops/batch_norm.ts';
import { flatten } from '../ops/flatten.ts';
import type { Kept, Learner } from './method.ts';
import type { StepSettings } from './settings.ts';
import type { RunningStatistic } from './step.ts';

/** The output of a phase that has them all, one after another. */
export const runningOutput = 'running statistics';

/** The running statistics of all networks of a learner that processes move by their own images: with `syncBatchNorm`, none. */
export class RunningStatistics {
  private readonly tensors: readonly Tensor[];

  constructor({ groups, encoder, kept = {} }: Learner, { syncBatchNorm }: Pick<StepSettings, 'syncBatchNorm'>) {
    const modules = [encoder, ...groups.flatMap((group) => group.modules)];
    const buffers = [...modules.flatMap((module) => module.buffers), ...Object.values(kept).flatMap(buffersOf)];
    this.tensors = syncBatchNorm ? [] : [...new Set(buffers.map(({ tensor }) => tensor))];
  }

  /** Records the output of what a phase has made of them; nothing where there are none. */
  outputs(): Readonly<Record<string, Tensor>> {
    return this.tensors.length === 0 ? {} : { [runningOutput]: flatten(this.tensors) };
  }

  /** With what so many runs of graphs leave of former values, of which each tensor is changed by one. */
  behind(graphs: readonly Graph[], runs: number): readonly RunningStatistic[] {
    const kept = (tensor: Tensor) => graphs.reduce((share, graph) => share * shareKept(graph, tensor), 1);
    return this.tensors.map((tensor) => ({ tensor, kept: kept(tensor) ** runs }));
  }
}

/** A variable that is kept by itself is no statistic. */
const buffersOf = (value: Kept): readonly NamedTensor[] => ('parameters' in value ? value.buffers : []);

/**
 * What rank r of R gives to a sum over all ranks that is what one process would have, had it seen the images of all ranks in their order.
 * A rank's images take a statistic s to A s + B, A its `kept`: of all one after another this is Aᴿ s + Σ_r A^(R−1−r) B_r.
 *
 * @param before, after of the rank's own images, laid out as `flatten` has them; the result is as long
 */
export function contribution(
  running: readonly RunningStatistic[],
  { rank, size }: { readonly rank: number; readonly size: number },
  before: Data,
  after: Data,
): Float32Array {
  const given = new Float32Array(after.length);
  const { offsets } = flatLayout(running.map(({ tensor }) => tensor));
  running.forEach(({ tensor, kept }, i) => {
    const later = kept ** (size - 1 - rank);
    for (let at = offsets[i]; at < offsets[i] + tensor.size; at++) {
      const own = later * (after[at] - kept * before[at]);
      given[at] = rank === 0 ? own + kept ** size * before[at] : own;
    }
  });
  return given;
}
