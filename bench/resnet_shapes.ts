import type { Node } from '../src/graph/tensor.ts';
import { input, trace } from '../src/graph/trace.ts';
import type { Request } from './benchmark.ts';
import { SimClr } from './simclr.ts';

/**
 * Nodes of one op in the forward pass of the default SimCLR model at this size, one of each kind: equal shapes of the inputs and
 * equal settings count once.
 */
export function distinctNodes(op: string, { pairs, imageSize }: Request): Node[] {
  const { graph } = trace(() => new SimClr().embeddings(input('views', [2 * pairs, imageSize, imageSize, 4], 'f32')));
  const kinds = new Map<string, Node>();
  for (const node of graph.nodes) {
    if (node.op.name !== op) continue;
    const key = JSON.stringify([node.inputs.map(({ shape }) => shape), node.attrs]);
    if (!kinds.has(key)) kinds.set(key, node);
  }
  return [...kinds.values()];
}

/** `16×24×24×64`. */
export const times = (shape: readonly number[]): string => shape.join('×');
