/** A flat variable seen parameter by parameter, for kernels that take norms: each parameter is cut into chunks, one a workgroup. */
import { flatAlignment, type Tensor } from '../graph/tensor.ts';
import { constant, flatLayout } from '../graph/trace.ts';

/** What LARS is told of each parameter: whether it gets a trust ratio and decay, and its row of the rates. */
export interface Segmented {
  readonly adapted: (parameter: Tensor) => boolean;
  readonly rowOf: (parameter: Tensor) => number;
}

/** Elements of a parameter that one workgroup takes. */
const chunkSize = 4096;

/**
 * Tables of the parameters and of their chunks, for kernels: `chunks` [C, 4] = first quad, quads, parameter, 2 · row of the rates +
 * adapted; `parameters` [P, 4] = first chunk, chunks, adapted, 0. Error: the flat variable has no members.
 */
export function segments(
  members: readonly Tensor[],
  { adapted, rowOf }: Segmented = { adapted: () => true, rowOf: () => 0 },
): { chunks: Tensor; parameters: Tensor } {
  if (members.length === 0) throw new Error('[segments] weights must be a flat variable with members');
  const { offsets } = flatLayout(members);
  const chunks: number[] = [];
  const parameters = members.flatMap((member, index) => {
    const [adapts, row] = [Number(adapted(member)), rowOf(member)];
    const first = chunks.length / 4;
    const padded = Math.ceil(member.size / flatAlignment) * flatAlignment;
    for (let start = 0; start < padded; start += chunkSize) {
      const quads = Math.min(chunkSize, padded - start) / 4;
      chunks.push((offsets[index] + start) / 4, quads, index, 2 * row + adapts);
    }
    return [first, chunks.length / 4 - first, adapts, 0];
  });
  return {
    chunks: constant('chunks', Uint32Array.from(chunks), [chunks.length / 4, 4]),
    parameters: constant('parameters', Uint32Array.from(parameters), [members.length, 4]),
  };
}
