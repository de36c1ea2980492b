import { cpc } from '../../src/losses/cpc.ts';
import { matmul } from '../../src/ops/matmul.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { permute, slice } from '../../src/ops/strided_copy.ts';
import { checkWithGradients } from './harness.ts';

/** Columns of maps [B, H, W, D] are the sequences: [B · W, H, D]. */
export default checkWithGradients(['z', 'context', 'weight'], ([z, context, weight], file) => {
  const [b, rows, columns, d] = z.shape;
  const skip = file.number('skip');
  const sequences = [z, context].map((map) => reshape(permute(map, [0, 2, 1, 3]), [b * columns, rows, d]));
  const predictions = Array.from({ length: file.number('steps') }, (_, k) => {
    const count = rows - skip - (k + 1);
    const contexts = reshape(slice(sequences[1], 1, 0, count), [b * columns * count, d]);
    const own = reshape(slice(weight, 0, k, k + 1), [d, d]);
    return reshape(matmul(contexts, own, { transposeB: true }), [b * columns, count, d]);
  });
  return cpc(sequences[0], predictions, { skip }).loss;
});
