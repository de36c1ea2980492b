/** What processes that share a batch tell each other in a step, while its phases run and between them. */
import type { Run } from '../graph/program.ts';
import { Readback } from '../graph/readback.ts';
import type { Peers } from '../graph/shared_values.ts';
import type { State } from '../graph/state.ts';
import type { Data, Tensor } from '../graph/tensor.ts';
import { flatLayout } from '../graph/trace.ts';
import type { Communicator } from '../mpi/communicator.ts';
import { contribution, runningOutput } from './running_statistics.ts';
import type { Exchange, GradientExchange, Phase, RowExchange, RunningStatistic } from './step.ts';

/** What exchanges of one kind have taken. */
export interface ExchangeCost {
  /** In which they were under way, whatever the device did meanwhile. One that waits for another’s end is not yet. */
  readonly seconds: number;
  /** Of these, the time in which this process did nothing else: its network, or others that are slower. */
  readonly exposed: number;
  /** What this process gave to them. */
  readonly bytes: number;
  readonly calls: number;
}

const nothing: ExchangeCost = { seconds: 0, exposed: 0, bytes: 0, calls: 0 };

/** The exchanges of one training on one of its processes. */
export class RankExchange {
  /** Since they were last reset, by what was exchanged: embeddings, gradients, statistics, and what launches gather (`SharedRows.label`). */
  readonly costs = new Map<string, ExchangeCost>();
  /** Running statistics as they were before the step under way, all one after another: the same on all processes. */
  private before: Float32Array | undefined;
  /** When the last exchange ended: they run one after another. */
  private ended = 0;
  private readonly readbacks = new Map<Tensor, Readback>();

  constructor(
    private readonly state: State,
    readonly ranks: Communicator,
  ) {}

  /** Counts anew, once all processes are here: what one does by itself between epochs is not waited for in a step. */
  async resetCosts(): Promise<void> {
    await this.ranks.collect('');
    this.costs.clear();
  }

  /** Of all kinds. */
  get cost(): ExchangeCost {
    return [...this.costs.values()].reduce(together, nothing);
  }

  /** To be called before a step's first phase. */
  async begin(phases: readonly Pick<Phase, 'exchange'>[]): Promise<void> {
    if (this.before) return;
    const running = phases.flatMap(({ exchange }) => (exchange?.kind === 'gradients' ? exchange.running : []));
    const values = await this.state.readAll(running.map(({ tensor }) => tensor));
    this.before = laidOut(running, (tensor) => values.get(tensor)!);
  }

  /** The others while a phase runs: gradients are complete, and added up, in its last run. */
  peers({ exchange }: Pick<Phase, 'exchange'>, isLast: boolean): Peers {
    const { ranks } = this;
    const sums = isLast && exchange?.kind === 'gradients';
    return {
      gather: (own, label) => this.waitedFor(label, own, ranks.gather(own)),
      idle: async (done) => void (await this.exposed('gradients', done)),
      ...(sums && { sum: (values) => this.timed('gradients', values, ranks.sum(values)) }),
    };
  }

  /**
   * Exchanges what a phase has made.
   * @param run its last one
   * @param stop whether this process has been asked to stop
   * @returns whether any has, where that was exchanged
   */
  async behind(exchange: Exchange, run: Run, stop: boolean): Promise<boolean> {
    if (exchange.kind === 'gradients') return this.small(exchange, run, stop);
    await this.rows(exchange);
    return false;
  }

  /** Rows of all processes in the places that the batch has for them. */
  private async rows({ rows, parts }: RowExchange): Promise<void> {
    const { size, rank } = this.ranks;
    const each = rows.size / parts / size;
    const whole = await this.readback(rows).read();
    const own = new Float32Array(parts * each);
    for (let part = 0; part < parts; part++)
      own.set(whole.subarray((part * size + rank) * each).subarray(0, each), part * each);
    const all = await this.waitedFor('embeddings', own, this.ranks.gather(own));
    for (let from = 0; from < size; from++)
      for (let part = 0; part < parts; part++)
        whole.set(all.subarray((from * parts + part) * each).subarray(0, each), (part * size + from) * each);
    this.state.write(rows, whole);
  }

  /**
   * What goes beside gradients, all in one: contributions to running statistics, numbers of which means are wanted, and how many processes
   * have been asked to stop.
   */
  private async small({ means, running }: GradientExchange, run: Run, stop: boolean): Promise<boolean> {
    const values = await run.read();
    const names = Object.keys(means);
    const own = names.flatMap((name) => Array.from(values[name], (value) => value / this.ranks.size));
    const statistics = running.length > 0 ? contribution(running, this.ranks, this.before!, values[runningOutput]) : [];
    const small = new Float32Array(own.length + 1 + statistics.length);
    small.set([...own, Number(stop)]);
    small.set(statistics, own.length + 1);
    await this.waitedFor('statistics', small, this.ranks.sum(small));
    let at = 0;
    for (const name of names) this.state.write(means[name], small.slice(at, (at += means[name].size)));
    if (running.length > 0) this.follow(running, small.slice(own.length + 1));
    return small[own.length] > 0;
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

  /** An exchange that nothing goes on beside. */
  private waitedFor<T>(kind: string, own: Float32Array, done: Promise<T>): Promise<T> {
    return this.exposed(kind, this.timed(kind, own, done));
  }

  private async timed<T>(kind: string, { byteLength: bytes }: Float32Array, done: Promise<T>): Promise<T> {
    const asked = performance.now();
    const value = await done;
    const start = Math.max(asked, this.ended);
    this.ended = performance.now();
    this.add(kind, { ...nothing, seconds: (this.ended - start) / 1000, bytes, calls: 1 });
    return value;
  }

  private async exposed<T>(kind: string, done: Promise<T>): Promise<T> {
    const start = performance.now();
    const value = await done;
    this.add(kind, { ...nothing, exposed: (performance.now() - start) / 1000 });
    return value;
  }

  private add(kind: string, cost: ExchangeCost): void {
    this.costs.set(kind, together(this.costs.get(kind) ?? nothing, cost));
  }
}

const together = (a: ExchangeCost, b: ExchangeCost): ExchangeCost => ({
  seconds: a.seconds + b.seconds,
  exposed: a.exposed + b.exposed,
  bytes: a.bytes + b.bytes,
  calls: a.calls + b.calls,
});

/** Values one after another, as `flatten` has them. */
function laidOut(running: readonly RunningStatistic[], values: (tensor: Tensor) => Data): Float32Array {
  const { offsets, length } = flatLayout(running.map(({ tensor }) => tensor));
  const flat = new Float32Array(length);
  running.forEach(({ tensor }, i) => flat.set(values(tensor), offsets[i]));
  return flat;
}
