import { UserError } from '../errors.ts';
import type { Program } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Naming } from '../io/checked.ts';
import type { Communicator } from '../mpi/communicator.ts';
import type { NamedTensor } from '../nn/module.ts';
import { indexOfNonFinite } from '../nn/state_dict.ts';
import type { Precision } from '../ops/precision.ts';
import { keptEntries } from '../ssl/method.ts';
import type { StepCounters } from '../ssl/phase_runs.ts';
import { type Phase, trainedParameters } from '../ssl/step.ts';
import { TrainingStep } from '../ssl/training_step.ts';
import type { Training } from './learner.ts';
import { flagOf } from './settings.ts';

/** A tensor that is not finite. */
interface Found {
  /** How many tensors were looked at before it: what is earlier on one process than on others began there. */
  readonly place: number;
  readonly what: string;
}

/**
 * Runs a step again with all intermediates kept and finds the first tensor that is not finite. The weights are still those
 * before the step: the optimiser leaves them alone once a loss or a gradient is not finite.
 */
async function firstNonFiniteTensor(
  state: State,
  parameters: Iterable<NamedTensor>,
  again: () => AsyncIterable<Program>,
): Promise<Found | undefined> {
  let place = 0;
  for (const { tensor } of parameters) {
    const at = indexOfNonFinite(await state.read(tensor));
    if (at >= 0) return { place, what: `parameter ${tensor.name}, element ${at}` };
    place++;
  }
  for await (const program of again()) {
    for (const tensor of storedFloats(program)) {
      const at = indexOfNonFinite(await program.inspect(tensor));
      if (at >= 0) return { place, what: `${tensor.name} [${tensor.shape.join(', ')}], element ${at}` };
      place++;
    }
  }
  return undefined;
}

const isFloat = ({ dtype }: Tensor): boolean => dtype === 'f32' || dtype === 'f16';

const storedFloats = ({ plan }: Program): Tensor[] =>
  plan.nodes.flatMap(({ outputs }) => outputs.filter((tensor) => isFloat(tensor) && plan.isStored(tensor)));

/** What was found earliest in the step, which all processes run alike: others are given it by that one. */
async function onRanks(ranks: Communicator, own: Found | undefined): Promise<string | undefined> {
  const all = (await ranks.collect(JSON.stringify(own ?? null))).map((text) => JSON.parse(text) as Found | null);
  const places = all.map((found) => found?.place ?? Infinity);
  const rank = places.indexOf(Math.min(...places));
  const found = all[rank];
  return found ? `${found.what}, on rank ${rank}` : undefined;
}

/** Settings outside of which a training rarely goes well. */
const usual = { weightDecay: 1, temperature: 0.01 } as const;

/** The settings that make values grow without bounds. */
export interface Suspects {
  readonly lr: number;
  readonly weightDecay: number;
  /** A method's own, where it has one. */
  readonly temperature?: unknown;
  readonly precision: Precision;
}

/** What to do about a training whose values are not finite: what is most likely to have caused it is named. */
export function divergenceRemedy({ weightDecay, precision, ...own }: Suspects, name: Naming): string {
  const temperature = typeof own.temperature === 'number' ? own.temperature : undefined;
  if (weightDecay >= usual.weightDecay) {
    return `Lower ${name('weightDecay')}: it is ${weightDecay}, and usual is less than 0.1`;
  }
  if (temperature !== undefined && temperature < usual.temperature) {
    return `Raise ${name('temperature')}: it is ${temperature}, and usual is 0.05 to 1`;
  }
  const softer = temperature === undefined ? '' : ` or raise ${name('temperature')}`;
  const wider = precision === 'f16' ? `, or train with ${flagOf('precision')} f32` : '';
  return `Lower ${name('lr')}${softer}${wider}`;
}

/**
 * The error with which a training stops at a step whose loss or gradients are not finite. `training` is as it was when it went wrong:
 * its loss scale still stands.
 *
 * @param remedy what to do about it
 */
export async function divergence(
  state: State,
  { step: compiled, learner, ...parts }: Training,
  indices: Uint32Array,
  counters: StepCounters,
  remedy: string,
): Promise<UserError> {
  const kept = Object.values(learner.kept ?? {}).flatMap(keptEntries);
  const parameters = new Set([...learner.encoder.parameters, ...trainedParameters(learner), ...kept]);
  const again = async function* () {
    let exchanged: Phase | undefined;
    const inspected = await TrainingStep.compile(state, compiled.traced, { learner, ...parts }, { inspect: true });
    inspected.epochData = compiled.epochData;
    try {
      for (const { phase, program, inputs } of inspected.runs(indices, counters)) {
        if (exchanged && exchanged !== phase) break; // what follows needs what other processes have
        if (phase.exchange) exchanged = phase;
        const run = program.isAwaiting
          ? program.runShared(inputs, inspected.exchange!.peers(phase, false))
          : program.run(inputs);
        await (await run).read();
        yield program;
        if (program.isAwaiting) break; // whoever has found something runs nothing more, and the others would wait
      }
    } finally {
      inspected.destroy();
    }
  };
  let found: Found | undefined;
  try {
    found = await firstNonFiniteTensor(state, parameters, again);
  } catch {
    // Keeping every intermediate may need more memory than there is: the step alone is worth telling.
  }
  const where = parts.ranks ? await onRanks(parts.ranks, found) : found?.what;
  const place = where ? `first in ${where}` : 'in which tensor could not be found out';
  return new UserError(`step ${counters.step}: NaN or infinity appeared, ${place}; training stopped. ${remedy}`);
}
