/** A whole step in float64: its phases with their runs, variables carried from one to the next. */
import type { Tensor } from '../../src/graph/tensor.ts';
import { phaseRuns, type StepCounters } from '../../src/ssl/phase_runs.ts';
import type { StepParts, TracedStep } from '../../src/ssl/step.ts';
import { interpret, type Values } from '../reference/interpreter.ts';

/** Values of all tensors of the last phase, and of the variables as the step leaves them. */
export function interpretStep(
  traced: TracedStep,
  parts: StepParts,
  indices: Uint32Array,
  counters: StepCounters,
): ReadonlyMap<Tensor, Values> {
  let values: ReadonlyMap<Tensor, Values> = new Map();
  for (const { phase, inputs } of phaseRuns(traced, parts, indices, counters)) {
    const leaves = phase.graph.nodes.flatMap((node) => node.inputs);
    const kept = [...values].filter(([tensor]) => tensor.origin.kind === 'variable');
    const written = leaves.filter(({ origin }) => origin.kind === 'input');
    const start = written.map((tensor) => [tensor, Float64Array.from(inputs[tensor.name])] as const);
    values = interpret(phase.graph, new Map([...kept, ...start]));
  }
  return values;
}
