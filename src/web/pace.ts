/** Steps over which the pace is measured: enough to be steady, few enough to follow what else the machine does. */
const window = 8;

/** How fast a training is. */
export class Pace {
  /** When the last steps ended, in milliseconds, and before them when the first of these began. */
  private times: number[] = [];

  constructor(private readonly batchSize: number) {}

  /** The time from now on counts, and none before: something else was done. */
  start(): void {
    this.times = [performance.now()];
  }

  /** A step has ended. @returns images per second, over this step and those before it */
  tick(): number {
    const { times } = this;
    times.push(performance.now());
    if (times.length > window + 1) times.shift();
    const seconds = (times[times.length - 1] - times[0]) / 1000;
    return ((times.length - 1) * this.batchSize) / seconds;
  }
}
