/** A step over a large batch in little memory: GradCache (Gao et al., 2021), for SimCLR's two views. */
import type { ImageSource } from '../data/source.ts';
import { UserError } from '../errors.ts';
import { input, trace, variable } from '../graph/trace.ts';
import { accumulate } from '../ops/accumulate.ts';
import { columnStd } from '../ops/column_std.ts';
import { gradients } from '../ops/gradients.ts';
import { ntXent } from '../ops/nt_xent.ts';
import { readRows, writeRows } from '../ops/row_range.ts';
import { Weights } from '../optim/weights.ts';
import { embedViews, type Phase, type PretrainingGraph, type PretrainingOptions, type Trainable } from './step.ts';

/** UserError: the pieces do not make up the batch. `name` says how the user knows the settings. */
export function checkMicroBatch(
  { batchSize, microBatch }: Pick<PretrainingOptions, 'batchSize' | 'microBatch'>,
  name: (setting: 'batchSize' | 'microBatch') => string = (setting) => setting,
): void {
  if (microBatch === 0 || batchSize % microBatch === 0) return;
  throw new UserError(
    `${name('microBatch')} (${microBatch}) must divide ${name('batchSize')} (${batchSize}): all micro-batches have the same size`,
    2,
  );
}

/**
 * Traces a step of N pairs in N/M pieces of M pairs. The loss is that of the whole batch, with all its 2N − 2 negatives, and the
 * gradients are those of this loss, d loss/d weights = Σ_pieces (d z_piece/d weights)ᵀ d loss/d z_piece:
 *
 * 1. `embeddings`, for each piece: views, forward pass, its rows of z [2N, D];
 * 2. `loss`, once: NT-Xent over z, and its gradient dz [2N, D];
 * 3. `gradients`, for each piece: the same views again (augmentations depend on counters, not on order), forward and backward pass
 *    from its rows of dz, the gradients added to those of the pieces before;
 * 4. `update`, once: guard and optimiser.
 *
 * Intermediates are as large as a batch of M pairs makes them; of the whole batch there are z, dz and what the loss needs.
 *
 * Batch norm sees a piece at a time: each is normalised with its own statistics, as with gradient accumulation or with data-parallel
 * training without synchronised batch norm. So the step equals the plain one to rounding where statistics do not come from the
 * batch, and for M = N. The running statistics are updated in phase 3 only, by each piece as an M/N-th of the step
 * (`Mode.batchShare`): a step of pieces then forgets as much of them as a plain step does, however many pieces there are.
 *
 * @throws UserError M does not divide N
 */
export function microBatchStep(model: Trainable, source: ImageSource, options: PretrainingOptions): PretrainingGraph {
  checkMicroBatch(options);
  const { batchSize, microBatch: pairs, temperature, precision } = options;
  const weights = new Weights(model.parameters, options);
  const kept = keptTensors(model, weights, batchSize);
  /** The first pair of the piece; view i of the batch has its row beside view i + N. */
  const first = input('first', [1], 'u32');
  const phase = (name: string, phasePairs: number, build: () => Phase['outputs']): Phase => {
    const { graph, result: outputs } = trace(build);
    return { name, graph, outputs, pairs: phasePairs };
  };
  const embeddings = phase('embeddings', pairs, () => {
    const z = embedViews(model, source, pairs, options, { training: true, batchShare: 0, precision });
    writeRows(kept.z, z, first, { parts: 2 });
    return {};
  });
  const loss = phase('loss', 0, () => {
    const result = ntXent(kept.z, { temperature });
    const [dz] = gradients(result.loss, [kept.z], weights.seed);
    writeRows(kept.dz, dz);
    writeRows(kept.loss, result.loss);
    writeRows(kept.accuracy, result.accuracy);
    writeRows(kept.embeddingStd, columnStd(result.unit));
    return {};
  });
  const backward = phase('gradients', pairs, () => {
    const z = embedViews(model, source, pairs, options, { training: true, batchShare: pairs / batchSize, precision });
    const dz = readRows(kept.dz, first, { parts: 2, rows: pairs });
    accumulate(kept.gradients, weights.gradientsOf(z, dz), first);
    return {};
  });
  const update = phase('update', 0, () => {
    const { loss, accuracy, embeddingStd } = kept;
    return { loss, accuracy, embeddingStd, ...weights.update(kept.gradients, loss) };
  });
  const { optimizer, scaling } = weights;
  const { features } = model.options;
  return { features, phases: [embeddings, loss, backward, update], optimizer, scaling };
}

/** What one phase leaves for another. */
function keptTensors({ options }: Trainable, { flat }: Weights, batchSize: number) {
  const z = [2 * batchSize, options.features];
  return {
    z: variable('z of the batch', z),
    dz: variable('dz of the batch', z),
    loss: variable('loss of the batch', [1]),
    accuracy: variable('accuracy of the batch', [1]),
    embeddingStd: variable('embedding std of the batch', [1]),
    gradients: variable('gradients of the batch', flat.shape),
  };
}
