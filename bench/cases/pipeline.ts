import type { ImageSet } from '../../src/data/images.ts';
import { batchOf, epochOrder, stepsPerEpoch } from '../../src/data/order.ts';
import { normalization } from '../../src/data/preparation.ts';
import { hostImages, type ImageSource, residentImages } from '../../src/data/source.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { PlanOptions } from '../../src/graph/plan.ts';
import { type Inputs, Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { uniform } from '../../src/nn/init.ts';
import { readEntries, type TorchTensor } from '../../src/nn/state_dict.ts';
import type { AugmentationConfig } from '../../src/ops/augment.ts';
import { augmentationConfig } from '../../src/ssl/settings.ts';
import { type TracedStep, trainedParameters } from '../../src/ssl/step.ts';
import { traceStep } from '../../src/ssl/trace_step.ts';
import { blurKernel } from '../../src/ssl/views.ts';
import { stepParts } from '../../src/train/learner.ts';
import type { TrainSettings } from '../../src/train/settings.ts';
import type { Check, ListItems, Ours, Request, Values } from '../benchmark.ts';
import { kernelTime, totalFlops } from '../graph_implementation.ts';
import { simclrSettings } from '../simclr.ts';
import { chosen, otherThan } from '../variants.ts';
import { traffic } from './step.ts';

/**
 * Training from bytes in memory to updated weights, one step of `pairs` images after another: random batches, SimCLR's
 * augmentation, and the step of the case `step`. Value to compare: `loss` [1] of the first step; everyone draws augmentations of
 * his own, so it only shows that the same thing is trained.
 */
export interface PipelineProblem {
  readonly pairs: number;
  /** Height and width of images and views. */
  readonly imageSize: number;
  /** RGB, [count, size, size, 3]. */
  readonly images: Uint8Array;
  readonly count: number;
  /** First values under torchvision's names, in PyTorch's layouts. */
  readonly parameters: ReadonlyMap<string, TorchTensor>;
  readonly augmentation: AugmentationConfig;
  readonly blurKernel: number;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  readonly temperature: number;
  readonly lr: number;
  readonly weightDecay: number;
}

const settings = { temperature: 0.5, lr: 1e-3, weightDecay: 1e-4 };
const run = simclrSettings({ ...settings, optimizer: 'adam' });
const augmentation = augmentationConfig(run);
const { mean, std } = normalization(run);

/** Noise: what a picture shows makes no difference to the time that it takes. */
function makeSet(count: number, size: number): { images: Uint8Array; set: ImageSet } {
  const bytes = size * size * 3;
  const images = Uint8Array.from(uniform(1, 'images', count * bytes, 128), (value) => value + 128);
  const read = (i: number, target: Uint8Array, offset: number) =>
    target.set(images.subarray(i * bytes, (i + 1) * bytes), offset);
  return { images, set: { name: 'noise', count, height: size, width: size, skipped: [], read } };
}

const settingsOf = ({ pairs, imageSize }: Request): TrainSettings => ({ ...run, imageSize, batchSize: pairs });

/** What each step is given, epoch after epoch. */
function* inputsOf(
  { phases: [{ feeds }], groups: [{ trained }] }: TracedStep,
  source: ImageSource,
  { batchSize, seed, epochs }: TrainSettings,
): Generator<Inputs, never> {
  const perEpoch = stepsPerEpoch(source.set.count, batchSize);
  for (let step = 1, epoch = 0; ; epoch++) {
    const order = epochOrder(source.set.count, seed, epoch);
    for (let batch = 0; batch < perEpoch; batch++, step++) {
      const indices = batchOf(order, batch, batchSize);
      const time = { seed, step, epoch, steps: epochs * perEpoch, perEpoch, indices, first: 0 };
      yield { ...feeds.values(time), ...trained.optimizer.scalars(step, settings.lr), ...source.inputs(indices) };
    }
  }
}

/** Our side: a program from indices to weights, with the images on the device. */
class Pipeline implements Ours {
  readonly setting = 'hand-written kernels';

  private constructor(
    private readonly program: Program,
    private readonly state: State,
    private readonly steps: Iterator<Inputs, never>,
    /** The same by other variants, where there are any. */
    private readonly others: (() => Promise<Pipeline>) | undefined,
  ) {}

  static async open(gpu: Gpu, set: ImageSet, request: Request, options: PlanOptions) {
    const state = new State(gpu);
    const all = settingsOf(request);
    const source = residentImages(state, set);
    const traced = traceStep(stepParts(source, all));
    const [{ graph, outputs }] = traced.phases;
    const results = Object.values(outputs);
    const selectVariant = await chosen(gpu, graph, results, options);
    const program = await Program.compile(graph, state, outputs, { selectVariant });
    const other = otherThan(gpu, graph, results, selectVariant);
    const others = other && (async () => (await Pipeline.open(gpu, set, request, { selectVariant: other })).ours);
    const ours = new Pipeline(program, state, inputsOf(traced, source, all), others);
    return { ours, parameters: await readEntries(state, trainedParameters(traced.learner)) };
  }

  get flops(): number {
    return totalFlops(this.program.plan);
  }

  get bytes(): number {
    return traffic(this.program.plan);
  }

  async first(): Promise<Values> {
    const { loss } = await this.program.run(this.steps.next().value).read();
    return new Map([['loss', loss as Float32Array]]);
  }

  /** The loss is read at the end, as a trainer does that reads it every few steps. */
  async run(times: number): Promise<void> {
    for (let i = 1; i < times; i++) this.program.run(this.steps.next().value);
    await this.program.run(this.steps.next().value).read();
  }

  /** By other variants of the kernels, with the same draws. */
  async check(): Promise<Check | undefined> {
    const others = await this.others?.();
    if (!others) return undefined;
    const values = await others.first();
    others.destroy();
    return { name: 'other variants', values };
  }

  kernelTime(): Promise<number | undefined> {
    return kernelTime(this.program, () => this.steps.next().value);
  }

  destroy(): void {
    this.program.destroy();
    this.state.destroy();
  }
}

/** Images for so many steps an epoch. */
const epochSteps = 8;

const list: ListItems<PipelineProblem> = (request) => {
  const { pairs, imageSize } = request;
  const count = epochSteps * pairs;
  return [
    {
      name: 'pipeline',
      shape: `${pairs} pairs ${imageSize}×${imageSize}`,
      trace() {
        const source = hostImages(makeSet(count, imageSize).set);
        const [{ graph, outputs }] = traceStep(stepParts(source, settingsOf(request))).phases;
        return { graph, outputs: Object.values(outputs) };
      },
      async open(gpu, options) {
        const { images, set } = makeSet(count, imageSize);
        const { ours, parameters } = await Pipeline.open(gpu, set, request, options);
        const sizes = { pairs, imageSize, images, count, blurKernel: blurKernel(imageSize) };
        return {
          problem: { ...sizes, ...settings, parameters, augmentation, mean, std },
          ours,
          // Other crops and colours of the same pictures: seen to move it by a tenth.
          tolerance: () => 0.5,
        };
      },
    },
  ];
};

export default list;
