/** One of the processes that `bench/mpi.ts` starts: times exchanges alone and steps of SimCLR that share a batch; rank 0 prints JSON. */
import { batchOf, epochOrder } from '../src/data/order.ts';
import { sampleSet } from '../src/data/sample/sample.ts';
import { hostImages } from '../src/data/source.ts';
import { Gpu } from '../src/gpu/device.ts';
import { State } from '../src/graph/state.ts';
import type { Communicator } from '../src/mpi/communicator.ts';
import { launchOf } from '../src/mpi/launch.ts';
import { MpiWorld } from '../src/mpi/world.ts';
import type { ExchangeCost } from '../src/ssl/rank_exchange.ts';
import { communicationOf } from '../src/train/communication.ts';
import { compileTraining } from '../src/train/learner.ts';
import { simclrSettings } from './simclr.ts';
import { median } from './timing.ts';

/** What is timed. */
export interface RankRequest {
  readonly pairs: number;
  readonly imageSize: number;
  readonly width: number;
  readonly steps: number;
  readonly syncBatchNorm: boolean;
  readonly adapter?: string | undefined;
}

/** An exchange by itself, the median of several: `bytes` are what each process gives. */
export interface Alone {
  readonly bytes: number;
  readonly milliseconds: number;
}

/** What rank 0 of so many processes found. */
export interface RankReport {
  readonly processes: number;
  readonly adapter: string;
  /** Of a step, the median. */
  readonly milliseconds: number;
  /** Numbers in the flat gradients. */
  readonly gradients: number;
  readonly embeddingDim: number;
  /** By kind, over all steps. */
  readonly costs: Readonly<Record<string, ExchangeCost>>;
  /** Share of rank 0\u2019s time that exchanges take and nothing hides. */
  readonly share: number;
  readonly sums: readonly Alone[];
  readonly gathers: readonly Alone[];
}

const warmUp = 2;
const repetitions = 9;

async function timed(work: () => Promise<unknown>, times: number): Promise<number> {
  const found: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await work();
    found.push(performance.now() - start);
  }
  return median(found);
}

/** All-reduce and all-gather of growing arrays while nothing else is done. */
async function exchangesAlone(
  ranks: Communicator,
  numbers: readonly number[],
): Promise<Pick<RankReport, 'sums' | 'gathers'>> {
  const [sums, gathers]: [Alone[], Alone[]] = [[], []];
  for (const n of numbers) {
    const values = new Float32Array(n).fill(1 / ranks.size);
    await ranks.collect(''); // all begin together
    sums.push({ bytes: values.byteLength, milliseconds: await timed(() => ranks.sum(values), repetitions) });
    gathers.push({ bytes: values.byteLength, milliseconds: await timed(() => ranks.gather(values), repetitions) });
  }
  return { sums, gathers };
}

async function measure(request: RankRequest, ranks: Communicator | undefined): Promise<RankReport> {
  const { pairs, imageSize, width, syncBatchNorm } = request;
  const gpu = await Gpu.open({ adapter: request.adapter });
  const state = new State(gpu);
  const set = sampleSet('unlabeled', pairs, imageSize);
  const settings = simclrSettings({ batchSize: pairs, imageSize, width, syncBatchNorm });
  const training = await compileTraining(state, hostImages(set), settings, {}, ranks);
  const indices = batchOf(epochOrder(set.count, settings.seed, 0), 0, pairs);
  let number = 0;
  const step = () => training.step.step(indices, { step: ++number, epoch: 0, lr: 1e-4 }).read();
  await timed(step, warmUp);
  await training.step.exchange?.resetCosts();
  const start = performance.now();
  const milliseconds = await timed(step, request.steps);
  const seconds = (performance.now() - start) / 1000;
  const { exchange, traced } = training.step;
  const { share } = exchange ? await communicationOf(exchange, { steps: request.steps, seconds }) : { share: 0 };
  const gradients = traced.groups[0].trained.flat.size;
  const costs = Object.fromEntries(exchange?.costs ?? []);
  const alone = ranks ? await exchangesAlone(ranks, [256, 2 ** 18, gradients]) : { sums: [], gathers: [] };
  const { embeddingDim } = settings;
  const { adapter } = gpu.traits;
  training.step.destroy();
  state.destroy();
  gpu.destroy();
  return { processes: ranks?.size ?? 1, adapter, milliseconds, gradients, embeddingDim, costs, share, ...alone };
}

const launch = launchOf();
const world = launch && (await MpiWorld.join(launch));
const report = await measure(JSON.parse(process.argv[2]) as RankRequest, world);
if (!world || world.rank === 0) process.stdout.write(`${JSON.stringify(report)}\n`);
await world?.finish();
// Dawn keeps the process alive as long as its device is referenced.
process.exit();
