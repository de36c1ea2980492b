import { printable } from '../io/printable.ts';
import { fitTable } from '../report/fit_table.ts';
import { fold, foldCommand } from '../report/fold.ts';
import { LiveLine, type Screen } from './live_line.ts';
import { Pace, type ProgressDetails, progressText } from './progress.ts';

const millisecondsBetweenLines = 20_000;
const millisecondsBetweenDrawings = 100;
/** The time left is counted down while a step takes longer. */
const millisecondsBetweenCounts = 1000;
/** Where no terminal says how wide it is. */
const usualWidth = 80;
/** A bar has no use for more. */
const widestBar = 100;

/** A task under way. */
interface Task {
  readonly name: string;
  readonly done: number;
  readonly total: number;
  readonly details: ProgressDetails;
}

/**
 * Lines for people go to stdout, with a progress bar below them where stdout is a terminal. Nothing is wider than the terminal, or than
 * 80 columns (COLUMNS) elsewhere, single long words apart.
 */
export class Terminal {
  private static shown: Terminal | undefined;
  private readonly live: LiveLine | undefined;
  private pace = new Pace();
  private task: Task | undefined;
  private timer: NodeJS.Timeout | undefined;
  private lastLine = performance.now();
  private lastDrawing = 0;

  constructor(
    private readonly screen: Screen = process.stdout,
    private readonly env: NodeJS.ProcessEnv = process.env,
  ) {
    if (screen.isTTY && env['TERM'] !== 'dumb')
      this.live = new LiveLine(screen, !env['NO_COLOR'], !env['XTERM_VERSION']);
  }

  /** Takes away the bar of whichever terminal shows one: something else is about to be printed. */
  static clear(): void {
    Terminal.shown?.clear();
  }

  /** Columns of a line. */
  get width(): number {
    if (this.screen.isTTY) return this.screen.columns || usualWidth;
    return Number(this.env['COLUMNS']) || usualWidth;
  }

  /** Prints a line above the bar, broken where it is too long. A break within it is part of a name, and shown as such. */
  line(text = ''): void {
    this.print(fold(printable(text), this.width));
  }

  /** Prints several lines that are one text. */
  lines(text: string): void {
    for (const line of text.split('\n')) this.line(line);
  }

  /** Prints a command, or a part of one, that can be pasted into a shell. The words are quoted already. */
  command(label: string, words: readonly string[]): void {
    this.print(foldCommand(label, words, this.width));
  }

  /** Prints a table. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): void {
    const [head, ...body] = [header, ...rows].map((cells) => cells.map(printable));
    this.print(fitTable(head, body, this.width));
  }

  private print(text: string): void {
    this.live?.erase();
    this.screen.write(`${text}\n`);
    this.lastLine = performance.now();
    if (this.task) this.draw();
  }

  /** Shows how far a task is; on no terminal as a line now and then, for those who read a log. */
  progress(name: string, done: number, total: number, details: ProgressDetails = {}): void {
    const time = performance.now();
    const goesOn = this.task?.total === total && this.task.done <= done;
    if (!goesOn) this.pace = new Pace();
    this.pace.report(done, time);
    this.task = { name, done, total, details };
    if (done >= total) this.clear();
    else if (!this.live) this.now(time);
    else if (!goesOn || time - this.lastDrawing >= millisecondsBetweenDrawings) this.draw();
  }

  private now(time: number): void {
    if (time - this.lastLine < millisecondsBetweenLines) return;
    this.screen.write(`  ${this.text(this.width - 2, false)}\n`);
    this.lastLine = time;
  }

  private draw(): void {
    if (!this.live) return;
    Terminal.shown = this;
    this.timer ??= setInterval(() => this.draw(), millisecondsBetweenCounts).unref();
    this.lastDrawing = performance.now();
    // One column is left for the cursor.
    this.live.draw(this.text(Math.min(widestBar, this.width - 1), true));
  }

  private text(width: number, bar: boolean): string {
    const { name, done, total, details } = this.task!;
    const { notes = [], count = `${done}/${total}`, rate } = details;
    const perSecond = rate && this.pace.perSecond();
    const all = perSecond === undefined ? notes : [rate!(perSecond), ...notes];
    const secondsLeft = this.pace.secondsLeft(total, performance.now());
    return progressText({ task: name, done, total, count, notes: all, secondsLeft }, width, { bar });
  }

  /** Takes the bar away. */
  clear(): void {
    this.live?.erase();
    clearInterval(this.timer);
    this.timer = undefined;
    this.task = undefined;
    Terminal.shown = undefined;
  }
}
