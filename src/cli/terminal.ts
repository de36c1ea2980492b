import { Presets, SingleBar } from 'cli-progress';

/** Lines for people go to stdout, with a progress bar below them where stdout is a terminal. */
export class Terminal {
  private bar: SingleBar | undefined;
  private readonly interactive = process.stdout.isTTY === true;
  private lastShare = 0;

  /** Prints a line above the bar. */
  line(text = ''): void {
    this.bar?.stop();
    this.bar = undefined;
    process.stdout.write(`${text}\n`);
  }

  /** Shows how far a task is. On no terminal: nothing, but every quarter of a long task as a line. */
  progress(task: string, done: number, total: number, note = ''): void {
    if (!this.interactive) {
      this.quarter(task, done, total, note);
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

  private quarter(task: string, done: number, total: number, note: string): void {
    const share = Math.floor((4 * done) / total);
    if (done > 0 && share > 0 && share < 4 && share !== this.lastShare)
      process.stdout.write(`  ${task}: ${done}/${total} ${note}\n`);
    this.lastShare = share;
  }

  /** Takes the bar away. */
  clear(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
