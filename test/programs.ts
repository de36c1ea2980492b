/** What `kernels.test.ts` compiles: programs that reach kernels. Files in `test/programs/` have those of families of ops. */
import type { Tensor } from '../src/graph/tensor.ts';
import { type Graph, input, trace } from '../src/graph/trace.ts';
import { gradients } from '../src/ops/gradients.ts';

export type Traced = { readonly graph: Graph; readonly outputs: Readonly<Record<string, Tensor>> };

export const traced = (build: () => Record<string, Tensor>): Traced => {
  const { graph, result } = trace(build);
  return { graph, outputs: result };
};

export const f32 = (name: string, ...shape: number[]): Tensor => input(name, shape, 'f32');

/** y and its gradients, as outputs. */
export const withGradients = (y: Tensor, targets: readonly Tensor[]): Record<string, Tensor> =>
  Object.fromEntries(
    [y, ...gradients(y, targets, input('dy', y.shape, 'f32'))].map((tensor, i) => [`out${i}`, tensor]),
  );
