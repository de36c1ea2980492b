import type { Dataset } from '../data/dataset.ts';
import { epochSamples } from '../data/order.ts';
import type { SampleSet } from '../data/samples.ts';
import type { Gpu } from '../gpu/device.ts';
import type { LaunchTime } from '../gpu/profiler.ts';
import { UtilizationMeter } from '../gpu/utilization.ts';
import type { Tuner } from '../graph/autotune.ts';
import { memoryOf } from '../graph/buffer_pool.ts';
import { type PlannedLaunch, plan } from '../graph/plan.ts';
import { State } from '../graph/state.ts';
import type { Communicator } from '../mpi/communicator.ts';
import { countNumbers } from '../nn/module.ts';
import { percentage } from '../report/numbers.ts';
import { describeExchanges, describePlan, describeProfile } from '../report/tables.ts';
import type { RankExchange } from '../ssl/rank_exchange.ts';
import { sharesOf } from '../ssl/shares.ts';
import { trainedParameters } from '../ssl/step.ts';
import { traceStep } from '../ssl/trace_step.ts';
import { inMemoryOrder, runsOf, type StepRun, type TrainingStep } from '../ssl/training_step.ts';
import { communicationOf } from '../train/communication.ts';
import { beginMeasured } from '../train/epoch_context.ts';
import { checkImages, compileTraining, sourceOf, stepParts } from '../train/learner.ts';
import { stepsInFlight } from '../train/loop.ts';
import type { TrainSettings } from '../train/settings.ts';
import type { Terminal } from './terminal.ts';

/** Runs before the profiled one: pipelines and caches warm up. */
const warmUp = 2;
/** Steps over which it is measured how long the device waits for the host. */
const watched = 8;

/** `--dry-run`: plans a step, with the kernels that `tuner` knows or else those of the fixed table, and prints the plan. */
export function dryRun(
  gpu: Gpu,
  { train }: Dataset<SampleSet>,
  settings: TrainSettings,
  terminal: Terminal,
  tuner: Tuner | undefined,
): void {
  checkImages(train, settings);
  const parts = stepParts(sourceOf(new State(gpu), train, settings), settings);
  const { phases } = traceStep(parts);
  let [known, total] = [0, 0];
  const plans = phases.map((phase) => {
    const outputs = Object.values(phase.outputs);
    const found = tuner?.known(phase.graph, outputs);
    known += found?.known ?? 0;
    total += found?.total ?? 0;
    const planned = plan(phase.graph, outputs, gpu.traits, { selectVariant: found?.selectVariant });
    return { name: phase.name, runs: runsOf(phase, settings.batchSize), plan: planned };
  });
  const parameters = countNumbers(trainedParameters(parts.learner));
  terminal.line(
    total > 0
      ? `kernels    as measured on this device for ${known} of ${total} ops and shapes that have variants, by the fixed table for the others`
      : 'kernels    by the fixed table',
  );
  terminal.lines(describePlan(plans, memoryOf(inMemoryOrder(plans.map((phase) => phase.plan))), parameters));
}

/**
 * `--profile`: runs a few steps and prints where the time of one goes.
 * @param ranks processes that share the batch with this one: what they exchange is told too
 */
export async function profileStep(
  gpu: Gpu,
  { train }: Dataset<SampleSet>,
  settings: TrainSettings,
  terminal: Terminal,
  ranks?: Communicator,
): Promise<void> {
  const state = new State(gpu);
  const source = sourceOf(state, train, settings, ranks);
  const onPipeline = (done: number, total: number) => terminal.progress('compiling', done, total);
  const training = await compileTraining(state, source, settings, { onPipeline }, ranks);
  const { step: compiled } = training;
  await beginMeasured(state, training);
  const indices = epochSamples(train, settings.seed, 0, settings.batchSize).subarray(0, settings.batchSize);
  source.hold?.(sharesOf(indices, settings.batchSize, ranks));
  for (let step = 1; step <= warmUp; step++) {
    const start = performance.now();
    await compiled.step(indices, { step, epoch: 0, lr: settings.lr }).read();
    terminal.line(`step ${step}: ${(performance.now() - start).toFixed(1)} ms`);
  }
  const times: LaunchTime<PlannedLaunch>[] = [];
  for (const { program, inputs } of compiled.runs(indices, { step: warmUp + 1, epoch: 0, lr: settings.lr })) {
    for (const time of await program.profile(inputs)) times.push(time);
  }
  terminal.lines(describeProfile(times));
  await compiled.exchange?.resetCosts();
  const seconds = await watchHost(gpu, compiled, indices, settings, terminal);
  if (compiled.exchange) await tellExchanges(compiled.exchange, seconds, terminal);
}

/** What the watched steps exchanged, and how much of their time that took. */
async function tellExchanges(exchange: RankExchange, seconds: number, terminal: Terminal): Promise<void> {
  const { share, slowest } = await communicationOf(exchange, { steps: watched, seconds });
  terminal.lines(describeExchanges(exchange.costs, watched));
  terminal.line(`${percentage(share, 1)} of the time of rank 0’s steps is exchange that nothing hides`);
  if (slowest !== undefined)
    terminal.line(`the other processes wait for rank ${slowest}, which is slower than they are`);
}

/** Runs steps as training does, the next one submitted while one runs, and says how long the device waited for the host. Returns the seconds. */
async function watchHost(
  gpu: Gpu,
  compiled: TrainingStep,
  indices: Uint32Array,
  { lr }: TrainSettings,
  terminal: Terminal,
): Promise<number> {
  const meter = new UtilizationMeter(gpu);
  const pending: StepRun[] = [];
  let host = 0;
  for (let i = 1; i <= watched; i++) {
    const start = performance.now();
    pending.push(compiled.step(indices, { step: warmUp + 1 + i, epoch: 0, lr }));
    host += performance.now() - start;
    while (pending.length >= stepsInFlight(gpu.traits)) await pending.shift()!.read();
  }
  for (const run of pending) await run.read();
  const { total, waiting } = await meter.finish();
  terminal.line(
    `${watched} steps as in training: ${(total / watched).toFixed(1)} ms each; the host takes ${(host / watched).toFixed(2)} ms to submit one; ` +
      `the device waits for the host ${((100 * waiting) / total).toFixed(1)} % of the time`,
  );
  return total / 1000;
}
