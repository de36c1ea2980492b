/** What tests of methods share that draw a class of each image, which a classifier has to find. */
import { expect } from 'vitest';
import { constant, trace } from '../../src/graph/trace.ts';
import { StepFeeds } from '../../src/ssl/feeds.ts';
import type { Learner, ViewGroup } from '../../src/ssl/method.ts';
import { interpret, type Values } from '../reference/interpreter.ts';

/** Records a step of so many images, whose views are all one colour. */
function flatStep({ step }: Pick<Learner, 'step'>, views: number, size: number, images: number) {
  const rows = views * images;
  const flat = constant('views', new Float32Array(rows * size * size * 4).fill(0.25), [rows, size, size, 4]);
  const feeds = new StepFeeds(images);
  const { graph, result } = trace(() => step([flat], feeds).losses[0][1]());
  return { feeds, graph, result };
}

/** The loss of a step of two images, by the float64 reference. Views are flat, and so the same to who normalises them. */
export function lossOfFlatViews(learner: Pick<Learner, 'step'>, views: number, size: number): number {
  const { feeds, graph, result } = flatStep(learner, views, size, 2);
  const time = { seed: 1, step: 1, epoch: 0, steps: 1, perEpoch: 1, indices: Uint32Array.of(3, 5), first: 0 };
  const inputs = feeds.values(time);
  const given = new Map<(typeof graph.nodes)[0]['inputs'][0], Values>();
  for (const tensor of graph.nodes.flatMap((node) => node.inputs))
    if (tensor.origin.kind === 'input') given.set(tensor, Float64Array.from(inputs[tensor.name]));
  return interpret(graph, given).get(result)![0];
}

/** A feed of the step has all classes, of 4,000 images each about as often, and others in another epoch. */
export function expectClassOfImages(
  { learner, group }: { readonly learner: Pick<Learner, 'step'>; readonly group: ViewGroup },
  feed: string,
  classes: number,
): void {
  const { feeds } = flatStep(learner, group.count, 16, 2);
  const indices = Uint32Array.from({ length: 4000 }, (_, i) => i);
  const [first, second] = [0, 1].map((epoch) =>
    feeds.values({ seed: 1, step: 1, epoch, steps: 9, perEpoch: 3, indices, first: 0 })[feed].subarray(0, 4000),
  );
  const counts = new Array<number>(classes).fill(0);
  for (const one of first) counts[one]++;
  const mean = first.length / classes;
  expect(counts).toHaveLength(classes);
  // χ² of so many degrees of freedom: four standard deviations above its mean.
  const chiSquare = counts.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0);
  expect(chiSquare).toBeLessThan(classes - 1 + 4 * Math.sqrt(2 * (classes - 1)));
  const same = first.filter((one, i) => one === second[i]).length / first.length;
  expect(same).toBeLessThan(2 / classes);
}
