/** What a training step is made of, and the plain one: a single program from image indices to updated weights. */
import type { SampleSource } from '../data/source.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Graph, input, trace } from '../graph/trace.ts';
import type { Communicator } from '../mpi/communicator.ts';
import type { Mode, NamedTensor } from '../nn/module.ts';
import { stepMade, type UpdateDecision } from '../ops/step_made.ts';
import type { TrainedGroup } from '../optim/trained_group.ts';
import { StepFeeds } from './feeds.ts';
import type { GroupRates } from './group_rates.ts';
import type { Learner, ParameterGroup, ViewGroup } from './method.ts';
import type { StepSettings } from './settings.ts';
import { traceViews } from './views.ts';

/** One program of a step. A step runs its phases in their order. */
export interface Phase {
  readonly name: string;
  readonly graph: Graph;
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly feeds: StepFeeds;
  /** Inputs that are of the whole batch, where the phase also has a piece of it. */
  readonly batchFeeds?: StepFeeds;
  /** Images that a run takes; the phase runs for one piece of the batch after another. 0: it takes none and runs once. */
  readonly images: number;
  /** What processes that share the batch exchange behind the phase's last run. */
  readonly exchange?: Exchange;
}

/** Rows of a variable, of which each process has made its own, or gradients, of which each has its part of a sum (`addShared`). */
export type Exchange = RowExchange | GradientExchange;

export interface RowExchange {
  readonly kind: 'rows';
  /** `[V · N, …]`: `parts` V, in each of which processes have N/R rows one after another. */
  readonly rows: Tensor;
  readonly parts: number;
}

export interface GradientExchange {
  readonly kind: 'gradients';
  /** Variables that get the means over the processes of the phase's outputs of these names; small ones. */
  readonly means: Readonly<Record<string, Tensor>>;
  /** What batch norm has changed on each process by its own images; see `RunningStatistics`. */
  readonly running: readonly RunningStatistic[];
}

/** A running mean or variance, and how much of its former value is left when a process has seen all its images. */
export interface RunningStatistic {
  readonly tensor: Tensor;
  readonly kept: number;
}

/** A group of the learner and what changes its weights. */
export interface TracedGroup {
  readonly declared: ParameterGroup;
  readonly trained: TrainedGroup;
  readonly rates: GroupRates;
}

/**
 * What a training step is made of. The last phase's outputs are those of the step: the loss and what the method logs, and of each group
 * firstNonFinite, and in f16 the next step's lossScale and the counts of steps, lossScaleCounts (see `groupOutput`).
 */
export interface TracedStep {
  readonly learner: Learner;
  readonly phases: readonly Phase[];
  readonly groups: readonly TracedGroup[];
}

/** What is traced. */
export interface StepParts {
  readonly learner: Learner;
  readonly views: readonly ViewGroup[];
  readonly source: SampleSource;
  readonly settings: StepSettings;
  /** Processes that share each batch; undefined: this one has all of it. */
  readonly ranks?: Communicator | undefined;
}

/** How the outputs of a group are called: by themselves in the first, with the group's name in others. */
export const groupOutput = (name: string, group: string, index: number): string =>
  index === 0 ? name : `${name}_${group}`;

/** u32 [1]: what dropout of a step draws from, the same in all passes over a piece of the batch. Every program of a step is given it. */
export const dropoutSeeds = input('dropout', [1], 'u32');

/** How training passes are traced; `processes`: of one of so many that share its batches. */
export const trainingMode = (
  { precision, syncBatchNorm = false }: Pick<StepSettings, 'precision' | 'syncBatchNorm'>,
  processes = 1,
): Mode => ({
  training: true,
  precision,
  seeds: dropoutSeeds,
  ...(syncBatchNorm && { batchNormProcesses: processes }),
});

/** Parameters that training changes, under their names. */
export const trainedParameters = ({ groups }: Pick<Learner, 'groups'>): readonly NamedTensor[] =>
  groups.flatMap(({ modules }) => modules.flatMap(({ parameters }) => parameters));

/** A step over the whole batch at once: one phase. */
export function plainPhase({ learner, views, source, settings }: StepParts, groups: readonly TracedGroup[]): Phase {
  const { batchSize } = settings;
  const feeds = StepFeeds.of(source.set, batchSize);
  const { graph, result: outputs } = trace(() => {
    const { losses, log, means = {}, after } = learner.step(traceViews(source, views, feeds, settings), feeds);
    const outputs: Record<string, Tensor> = { ...checkedLog(log) };
    const decisions: UpdateDecision[] = [];
    for (const [name, lossOf] of losses) {
      const index = groups.findIndex(({ declared }) => declared.name === name);
      if (index < 0) throw new Error(`a loss is of group '${name}', which the learner does not have`);
      const loss = checkedLoss(lossOf(), name);
      const { trained } = groups[index];
      const { outputs: told, scalerStep } = trained.update(trained.gradientsOf(loss), loss, feeds.step);
      decisions.push({ firstNonFinite: trained.firstNonFinite, scalerStep });
      for (const [key, value] of Object.entries({ loss, ...told })) outputs[groupOutput(key, name, index)] = value;
    }
    after?.(stepMade(decisions), means);
    return outputs;
  });
  return { name: 'step', graph, outputs, feeds, images: batchSize };
}

/** A loss of a group. Error: it is not one number. */
export function checkedLoss(loss: Tensor, group: string): Tensor {
  if (loss.dtype === 'f32' && loss.size === 1) return loss;
  throw new Error(`the loss of group '${group}' must be f32 [1], not ${loss}`);
}

/** Names that a line of `metrics.jsonl` has for itself. */
const takenNames = [
  'type',
  'step',
  'epoch',
  'epochs',
  'loss',
  'chance',
  'lr',
  'lossScale',
  'knn',
  'knnBalanced',
  'time',
];

/** What a method logs. Error: a name is taken, or a value is not one number. */
export function checkedLog(log: Readonly<Record<string, Tensor>> = {}): Readonly<Record<string, Tensor>> {
  for (const [name, value] of Object.entries(log)) {
    if (takenNames.includes(name)) throw new Error(`log: '${name}' is a name of the trainer; use another`);
    if (value.dtype !== 'f32' || value.size !== 1) throw new Error(`log: '${name}' must be f32 [1], not ${value}`);
  }
  return log;
}
