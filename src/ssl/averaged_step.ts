/** A step of several processes, for methods whose loss is a mean over images: DistributedDataParallel. */
import { UserError } from '../errors.ts';
import { constant, trace, variable } from '../graph/trace.ts';
import { mul } from '../ops/binary.ts';
import { stepMade } from '../ops/step_made.ts';
import { StepFeeds } from './feeds.ts';
import type { Means } from './method.ts';
import { RunningStatistics } from './running_statistics.ts';
import { checkedLog, checkedLoss, type Exchange, type Phase, type StepParts, type TracedGroup } from './step.ts';
import { traceViews } from './views.ts';

/**
 * Traces a step over N images of which each of R processes has N/R. The loss of the batch is the mean of theirs, and so are its gradients:
 *
 * 1. `gradients`: views of the own images, forward and backward pass; d loss/d weights of these images, divided by R, is the own part of
 *    the sum over all processes, of which parts are exchanged while the backward pass goes on;
 * 2. `update`, the same everywhere: `check_finite`, optimiser, and what the method does behind it (a teacher).
 *
 * What a method logs is the mean of what the processes see: of a deviation over the batch, or a quotient, that is not quite what one
 * process would have seen of all images. What `after` needs of all images is a mean too (`Step.means`).
 *
 * @throws UserError the learner has several losses
 */
export function averagedPhases(parts: StepParts, groups: readonly TracedGroup[]): Phase[] {
  const { learner, views, source, settings, ranks } = parts;
  if (!ranks || groups.length !== 1)
    throw new UserError('this method has no single loss whose gradients could be averaged', 2);
  const [{ trained }] = groups;
  const images = settings.batchSize / ranks.size;
  const feeds = StepFeeds.of(source.set, images);
  const sum = variable('gradients of the batch', trained.flat.shape);
  const running = new RunningStatistics(learner, settings);
  const backward = trace(() => {
    const step = learner.step(traceViews(source, views, feeds, settings), feeds);
    const loss = checkedLoss(step.losses[0][1](), trained.name);
    trained.addGradients(sum, constant('a new sum', Uint32Array.of(0)), mul(loss, 1 / ranks.size));
    return { step, shown: { loss, ...checkedLog(step.log) }, statistics: running.outputs() };
  });
  const { step, shown, statistics } = backward.result;
  const [told, means] = [variablesFor(shown), variablesFor(step.means ?? {})];
  const update = trace(() => {
    const { outputs, scalerStep } = trained.update(sum, told['loss'], feeds.step);
    step.after?.(stepMade([{ firstNonFinite: trained.firstNonFinite, scalerStep }]), means);
    return { ...told, ...outputs };
  });
  const exchange: Exchange = {
    kind: 'gradients',
    means: { ...told, ...apart(means) },
    running: running.behind([backward.graph], 1),
  };
  const outputs = { ...shown, ...apart(step.means ?? {}), ...statistics };
  return [
    { name: 'gradients', graph: backward.graph, outputs, feeds, images, exchange },
    { name: 'update', graph: update.graph, outputs: update.result, feeds, images },
  ];
}

/** Variables of the shapes of these. */
const variablesFor = (tensors: Means): Means =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { shape }]) => [name, variable(`${name} of the batch`, shape)] as const),
  );

/** Under names that nothing has which is logged. */
const apart = (means: Means): Means =>
  Object.fromEntries(Object.entries(means).map(([name, mean]) => [`mean ${name}`, mean] as const));
