/** A step over a large batch in little memory: GradCache (Gao et al., 2021), for methods whose loss needs embeddings only. */
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { constant, trace, variable } from '../graph/trace.ts';
import type { Mode } from '../nn/module.ts';
import { addInPlace } from '../ops/add_inplace.ts';
import { allGather } from '../ops/all_gather.ts';
import { gradients } from '../ops/gradients.ts';
import { indexCopy, narrow } from '../ops/narrow.ts';
import { reshape } from '../ops/reshape.ts';
import { stepMade } from '../ops/step_made.ts';
import { slice, transpose } from '../ops/strided_copy.ts';
import type { TrainedGroup } from '../optim/trained_group.ts';
import { StepFeeds } from './feeds.ts';
import { KeptTensors } from './kept_tensors.ts';
import type { Split } from './method.ts';
import { RunningStatistics } from './running_statistics.ts';
import type { StepSettings } from './settings.ts';
import { checkShares, pieceOf, type Share, shareOf } from './shares.ts';
import { withTargets } from './split_step.ts';
import { checkedLog, checkedLoss, type Phase, type StepParts, type TracedGroup, trainingMode } from './step.ts';
import { traceViews } from './views.ts';

/** UserError: the pieces do not make up the batch. `name` says how the user knows the settings. */
export function checkMicroBatch(
  { batchSize, microBatch }: Pick<StepSettings, 'batchSize' | 'microBatch'>,
  name: (setting: 'batchSize' | 'microBatch') => string = (setting) => setting,
): void {
  if (microBatch === 0 || batchSize % microBatch === 0) return;
  throw new UserError(
    `${name('microBatch')} (${microBatch}) must divide ${name('batchSize')} (${batchSize}): all micro-batches have the same size`,
    2,
  );
}

/**
 * Traces a step of N images in N/M pieces of M. The loss is that of the whole batch, with all its negatives, and the gradients are
 * those of this loss, d loss/d weights = Σ_pieces (d z_piece/d weights)ᵀ d loss/d z_piece:
 *
 * 1. `embeddings`, for each piece: views, forward pass, its rows of z [V · N, D], and those of networks that are not trained;
 * 2. `loss`, once: the loss of z, and its gradient dz;
 * 3. `gradients`, for each piece: the same views again (augmentations depend on counters, not on order), forward and backward pass
 *    from its rows of dz, the gradients added to those of the pieces before;
 * 4. `update`, once: `check_finite`, optimiser, and what is done behind it with z (`Split.after`).
 *
 * What comes before all of it (`Split.before`) is a phase of its own.
 *
 * Intermediates are as large as a batch of M images makes them; of the whole batch there are z, dz and what the loss needs.
 *
 * Batch norm sees a piece at a time: each is normalised with its own statistics, as with gradient accumulation or with data-parallel
 * training without synchronised batch norm. So the step equals the plain one to rounding where statistics do not come from the
 * batch, and for M = N; and R processes of M = N/R images with `syncBatchNorm` equal a plain step on one. The running statistics are
 * updated in phase 3 only, those of networks that are not trained in phase 1, by each piece as an M/N-th of the step (`Mode.batchShare`): a
 * step of pieces then forgets as much of them as a plain step does, however many pieces there are.
 *
 * Processes that share the batch run phases 1 and 3 for the pieces of their own images. Behind phase 1 each gets the rows of z of all
 * others, so that phase 2 is the same everywhere; in the last run of phase 3 their gradients are added up, and phase 4 is the same again.
 * A process with a single piece needs no second forward pass: phases 1 to 3 are then one, `step`, which gathers the rows within itself, and
 * computes the same numbers.
 *
 * @throws UserError M does not divide N, or the method's loss needs more than embeddings
 */
export function microBatchPhases(parts: StepParts, [{ trained }]: readonly TracedGroup[]): Phase[] {
  const { settings, learner, ranks } = parts;
  checkMicroBatch(settings);
  if (ranks) checkShares(settings, ranks.size);
  const { split } = learner;
  if (!split) throw new UserError('this method has no micro-batches: its loss needs more than embeddings', 2);
  return new StepInPieces(parts, split, trained).phases();
}

/** Traces the phases in their order: each leaves variables for those behind it. */
class StepInPieces {
  /** Images of a piece, M. */
  private readonly piece: number;
  private readonly share: Share;
  private readonly kept: KeptTensors;
  private readonly sum: Tensor;
  private readonly running: RunningStatistics | undefined;

  constructor(
    private readonly parts: StepParts,
    private readonly split: Split,
    private readonly trained: TrainedGroup,
  ) {
    const { settings, learner, ranks } = parts;
    this.piece = pieceOf(settings, ranks);
    this.share = shareOf(settings.batchSize, ranks);
    this.kept = new KeptTensors(this.piece, settings.batchSize);
    this.sum = variable('gradients of the batch', trained.flat.shape);
    this.running = ranks && new RunningStatistics(learner, settings);
  }

  phases(): Phase[] {
    const before = this.split.before ? [this.before()] : [];
    const { ranks } = this.parts;
    const inner = ranks ? this.sharedPhases(ranks.size) : [this.embeddings(), this.loss(), this.gradients()];
    return [...before, ...inner, this.update()];
  }

  /** What comes before the update, with what is exchanged behind it. */
  private sharedPhases(processes: number): Phase[] {
    const { kept, share, piece } = this;
    const runs = (share.end - share.begin) / piece;
    const summed = (backward: Phase, ...forward: readonly Phase[]): Phase => {
      const graphs = [...forward, backward].map(({ graph }) => graph);
      const running = this.running?.behind(graphs, runs) ?? [];
      return { ...backward, exchange: { kind: 'gradients', means: {}, running } };
    };
    if (runs === 1) return [summed(this.atOnce(processes))];
    const [embeddings, loss, backward] = [this.embeddings(), this.loss(), this.gradients()];
    const { whole: rows, parts } = kept;
    return [{ ...embeddings, exchange: { kind: 'rows', rows, parts } }, loss, summed(backward, embeddings)];
  }

  private before(): Phase {
    return this.phase('before', 0, (feeds) => {
      this.split.before?.(feeds);
      return {};
    });
  }

  private embeddings(): Phase {
    const { split, kept } = this;
    return this.phase('embeddings', this.piece, (feeds, first) => {
      const views = this.views(feeds);
      const z = withTargets(split, views, feeds, split.embed(views, feeds, this.mode(0)), this.mode());
      indexCopy(kept.z(z), z, first, { parts: kept.parts });
      return {};
    });
  }

  private loss(): Phase {
    const { kept } = this;
    return this.phase('loss', 0, (feeds) => {
      indexCopy(kept.dz, this.compared(kept.whole, feeds));
      return {};
    });
  }

  private gradients(): Phase {
    const { kept, piece } = this;
    return this.phase('gradients', piece, (feeds, first) => {
      const z = this.split.embed(this.views(feeds), feeds, this.mode());
      const number = feeds.index('piece', (time) => (time.first - this.share.begin) / piece);
      return this.propagated(z, kept.dz, first, number);
    });
  }

  /** Phases 1 to 3 of a single piece. */
  private atOnce(processes: number): Phase {
    const { split, kept, piece, parts } = this;
    const { source, settings } = parts;
    const batchFeeds = StepFeeds.of(source.set, settings.batchSize, 'batch: ');
    const phase = this.phase('step', piece, (feeds, first) => {
      const views = this.views(feeds);
      const z = split.embed(views, feeds, this.mode());
      const own = withTargets(split, views, feeds, z, this.mode());
      const target = kept.z(own);
      const whole = gatherRows(own, kept.parts, processes);
      indexCopy(target, whole);
      return this.propagated(z, this.compared(whole, batchFeeds), first, constant('a new sum', Uint32Array.of(0)));
    });
    return { ...phase, batchFeeds };
  }

  /** The gradient of the loss of z [V · N, D], of the whole batch; the loss, and what is logged, are kept. */
  private compared(z: Tensor, feeds: StepFeeds): Tensor {
    const { kept, trained } = this;
    const compared = this.split.compare(z, feeds);
    const [loss, log] = [checkedLoss(compared.loss, trained.name), checkedLog(compared.log)];
    for (const [name, value] of Object.entries({ loss, ...log })) indexCopy(kept.scalar(name), value);
    const [dz] = gradients(loss, [z], trained.seed);
    return dz;
  }

  /** Adds the gradients of a piece, of whose rows z is, to those of the pieces before; of the first piece, `number` is 0. */
  private propagated(z: Tensor, dz: Tensor, first: Tensor, number: Tensor): Phase['outputs'] {
    const { kept, piece, trained, sum, running } = this;
    const own = firstRows(narrow(dz, first, { parts: kept.parts, rows: piece }), z);
    if (running) trained.addGradients(sum, number, z, own);
    else addInPlace(sum, trained.gradientsOf(z, own), number);
    return { ...running?.outputs() };
  }

  private update(): Phase {
    const { kept, trained } = this;
    return this.phase('update', 0, (feeds) => {
      const { outputs, scalerStep } = trained.update(this.sum, kept.scalar('loss'), feeds.step);
      this.split.after?.(kept.whole, feeds, stepMade([{ firstNonFinite: trained.firstNonFinite, scalerStep }]));
      return { ...kept.allScalars(), ...outputs };
    });
  }

  /** @param images of a run; 0: it takes none and runs once */
  private phase(name: string, images: number, build: (feeds: StepFeeds, first: Tensor) => Phase['outputs']): Phase {
    const { source, settings } = this.parts;
    const feeds = StepFeeds.of(source.set, images || settings.batchSize);
    const { graph, result: outputs } = trace(() => build(feeds, firstRow(feeds, images)));
    return { name, graph, outputs, feeds, images };
  }

  private views(feeds: StepFeeds): Tensor[] {
    const { source, views, settings } = this.parts;
    return traceViews(source, views, feeds, settings);
  }

  /** @param batchShare by default that of a piece: statistics of all processes are of as many images as all of their pieces have */
  private mode(batchShare?: number): Mode {
    const { settings, ranks } = this.parts;
    const together = settings.syncBatchNorm ? (ranks?.size ?? 1) : 1;
    const ofPiece = (together * this.piece) / settings.batchSize;
    return { ...trainingMode(settings, ranks?.size), batchShare: batchShare ?? ofPiece };
  }
}

/** The first image of a piece in the batch; view v of image i has its row in part v of z. */
const firstRow = (feeds: StepFeeds, images: number): Tensor =>
  feeds.input('first', [1], 'u32', (time) => Uint32Array.of(images === 0 ? 0 : time.first));

/** z of the batch, of which each process has made its own rows: each of the V parts has those of all processes in their order. */
function gatherRows(own: Tensor, parts: number, processes: number): Tensor {
  const all = allGather(own, { processes, label: 'embeddings' });
  if (parts === 1) return all;
  const [rows] = own.shape;
  const divided = reshape(all, [processes, parts, (rows / parts) * (own.size / rows)]);
  return reshape(transpose(divided, 0, 1), all.shape);
}

/** As many rows as z has, of those that may be more. */
const firstRows = (dz: Tensor, { shape: [rows] }: Tensor): Tensor => (dz.shape[0] > rows ? slice(dz, 0, 0, rows) : dz);
