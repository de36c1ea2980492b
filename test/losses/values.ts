import type { Tensor } from '../../src/graph/tensor.ts';
import { trace } from '../../src/graph/trace.ts';
import { interpret } from '../reference/interpreter.ts';

/** What the float64 reference makes of tensors that are recorded. */
export function values(build: () => readonly Tensor[]): number[][] {
  const { graph, result } = trace(build);
  const all = interpret(graph);
  return result.map((tensor) => Array.from(all.get(tensor)!));
}
