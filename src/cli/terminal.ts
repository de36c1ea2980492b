import { Presets, SingleBar } from 'cli-progress';

const millisecondsBetweenLines = 20_000;

/** Lines for people go to stdout, with a progress bar below them where stdout is a terminal. */
export class Terminal {
  private bar: SingleBar | undefined;
  private readonly interactive = process.stdout.isTTY === true;
  private lastLine = performance.now();

  /** Prints a line above the bar. */
  line(text = ''): void {
    this.bar?.stop();
    this.bar = undefined;
    process.stdout.write(`${text}\n`);
    this.lastLine = performance.now();
  }

  /** Shows how far a task is; on no terminal as a line now and then, for those who read a log. */
  progress(task: string, done: number, total: number, note = ''): void {
    if (!this.interactive) {
      this.now(task, done, total, note);
      return;
    }
    if (!this.bar) {
      const format = '{task} {bar} {value}/{total} {note} {eta_formatted}';
      this.bar = new SingleBar({ format, barsize: 24, clearOnComplete: true, hideCursor: true }, Presets.shades_grey);
      this.bar.start(total, done, { task, note });
    }
    this.bar.setTotal(total);
    this.bar.update(done, { task, note });
    if (done >= total) this.clear();
  }

  private now(task: string, done: number, total: number, note: string): void {
    if (done >= total || performance.now() - this.lastLine < millisecondsBetweenLines) return;
    process.stdout.write(`  ${task} ${done}/${total} ${note}\n`);
    this.lastLine = performance.now();
  }

  /** Takes the bar away. */
  clear(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
