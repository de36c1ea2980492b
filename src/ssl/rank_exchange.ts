/** What processes that share a batch tell each other between the phases of a step. */
import type { Run } from '../graph/program.ts';
import { Readback } from '../graph/readback.ts';
import type { State } from '../graph/state.ts';
import type { Data, Tensor } from '../graph/tensor.ts';
import { flatLayout } from '../graph/trace.ts';
import type { Communicator } from '../mpi/communicator.ts';
import { contribution, runningOutput } from './running_statistics.ts';
import type { Exchange, GradientExchange, Phase, RowExchange, RunningStatistic } from './step.ts';

/** Where the time of steps went, in seconds, and what was sent, in bytes of one process. */
export interface ExchangeCost {
  /** Waiting for the own device, and copies from and to it. */
  readonly copying: number;
  /** In collectives: the network, and others that are slower. */
  readonly waiting: number;
  readonly bytes: number;
}

const nothing: ExchangeCost = { copying: 0, waiting: 0, bytes: 0 };

/** The exchanges of one training on one of its processes. */
export class RankExchange {
  /** Since it was last reset. */
  cost: ExchangeCost = nothing;
  /** Running statistics as they were before the step under way, all one after another: the same on all processes. */
  private before: Float32Array | undefined;
  private readonly readbacks = new Map<Tensor, Readback>();

  constructor(
    private readonly state: State,
    readonly ranks: Communicator,
  ) {}

  /** Counts anew, once all processes are here: what one does by itself between epochs is not waited for in a step. */
  async resetCost(): Promise<void> {
    await this.ranks.collect('');
    this.cost = nothing;
  }

  /** To be called before a step's first phase. */
  async begin(phases: readonly Pick<Phase, 'exchange'>[]): Promise<void> {
    if (this.before) return;
    const running = phases.flatMap(({ exchange }) => (exchange?.kind === 'gradients' ? exchange.running : []));
    const values = await this.state.readAll(running.map(({ tensor }) => tensor));
    this.before = laidOut(running, (tensor) => values.get(tensor)!);
  }

  /**
   * Exchanges what a phase has made.
   * @param run its last one
   * @param stop whether this process has been asked to stop
   * @returns whether any has, where that was exchanged
   */
  async behind(exchange: Exchange, run: Run, stop: boolean): Promise<boolean> {
    if (exchange.kind === 'gradients') return this.gradients(exchange, run, stop);
    await this.rows(exchange);
    return false;
  }

  /** Rows of all processes in the places that the batch has for them. */
  private async rows({ rows, parts }: RowExchange): Promise<void> {
    const { size, rank } = this.ranks;
    const each = rows.size / parts / size;
    const whole = await this.copied(this.readback(rows).read());
    const own = new Float32Array(parts * each);
    for (let part = 0; part < parts; part++)
      own.set(whole.subarray((part * size + rank) * each).subarray(0, each), part * each);
    const all = await this.told(own, this.ranks.gather(own));
    for (let from = 0; from < size; from++)
      for (let part = 0; part < parts; part++)
        whole.set(all.subarray((from * parts + part) * each).subarray(0, each), (part * size + from) * each);
    this.state.write(rows, whole);
  }

  /**
   * The sums of gradients, of contributions to running statistics, and of the numbers of which means are wanted. The small ones go
   * together, with how many processes have been asked to stop.
   */
  private async gradients({ sum, means, running }: GradientExchange, run: Run, stop: boolean): Promise<boolean> {
    const values = await this.copied(run.read());
    const gradients = await this.copied(this.readback(sum).read());
    await this.told(gradients, this.ranks.sum(gradients));
    this.state.write(sum, gradients);
    const names = Object.keys(means);
    const own = names.map((name) => values[name][0] / this.ranks.size);
    const statistics = running.length > 0 ? contribution(running, this.ranks, this.before!, values[runningOutput]) : [];
    const small = new Float32Array(names.length + 1 + statistics.length);
    small.set([...own, Number(stop)]);
    small.set(statistics, names.length + 1);
    await this.told(small, this.ranks.sum(small));
    names.forEach((name, i) => this.state.write(means[name], small.slice(i, i + 1)));
    if (running.length > 0) this.follow(running, small.slice(names.length + 1));
    return small[names.length] > 0;
  }

  private follow(running: readonly RunningStatistic[], agreed: Float32Array): void {
    const { offsets } = flatLayout(running.map(({ tensor }) => tensor));
    running.forEach(({ tensor }, i) => this.state.write(tensor, agreed.subarray(offsets[i], offsets[i] + tensor.size)));
    this.before = agreed;
  }

  private readback(variable: Tensor): Readback {
    const known = this.readbacks.get(variable);
    if (known) return known;
    const made = new Readback(this.state, variable);
    this.readbacks.set(variable, made);
    return made;
  }

  destroy(): void {
    for (const readback of this.readbacks.values()) readback.destroy();
  }

  private async copied<T>(done: Promise<T>): Promise<T> {
    const start = performance.now();
    const value = await done;
    this.cost = { ...this.cost, copying: this.cost.copying + (performance.now() - start) / 1000 };
    return value;
  }

  private async told<T>({ byteLength }: Float32Array, done: Promise<T>): Promise<T> {
    const start = performance.now();
    const value = await done;
    const { copying, waiting, bytes } = this.cost;
    this.cost = { copying, waiting: waiting + (performance.now() - start) / 1000, bytes: bytes + byteLength };
    return value;
  }
}

/** Values one after another, as `flatten` has them. */
function laidOut(running: readonly RunningStatistic[], values: (tensor: Tensor) => Data): Float32Array {
  const { offsets, length } = flatLayout(running.map(({ tensor }) => tensor));
  const flat = new Float32Array(length);
  running.forEach(({ tensor }, i) => flat.set(values(tensor), offsets[i]));
  return flat;
}
