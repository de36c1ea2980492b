import { check, type Tensor } from '../graph/tensor.ts';
import { constant } from '../graph/trace.ts';
import { add } from '../ops/add.ts';
import { mul } from '../ops/binary.ts';
import { detach } from '../ops/detach.ts';
import { gatherRows } from '../ops/gather_rows.ts';
import { layerNorm } from '../ops/layer_norm.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/strided_copy.ts';

/**
 * What data2vec's student has to tell (Baevski et al., 2022, § 3.3): of some patches the mean of what a teacher's blocks made of them, each
 * output with mean 0 and deviation 1 of its own over the D numbers of a token, so that no block counts more than others and outputs that
 * are all the same are no way out. It is constant to whoever differentiates.
 *
 * @param outputs of the blocks, [N, 1 + L, D] each, f32, the class token first
 * @param rows u32 [M]: the patches, as rows of [N · L]
 * @returns [M, D]
 */
export function blockTargets(outputs: readonly Tensor[], rows: Tensor): Tensor {
  check(outputs.length > 0, 'block_targets', 'there must be the output of one block or more', rows);
  const [n, tokens, dimensions] = outputs[0].shape;
  const weight = constant('weight of 1', new Float32Array(dimensions).fill(1));
  const bias = constant('bias of 0', new Float32Array(dimensions));
  const normalized = outputs.map((output) => {
    const patches = reshape(slice(detach(output), 1, 1), [n * (tokens - 1), dimensions]);
    return layerNorm(gatherRows(patches, rows), { weight, bias });
  });
  return mul(
    normalized.reduce((a, b) => add(a, b)),
    1 / outputs.length,
  );
}
