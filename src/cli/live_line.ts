import { columnsOf } from '../report/fold.ts';

/** What is needed of `process.stdout`. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * The last line of a terminal, which is written over. The cursor stays at its end and visible, no mode of the terminal is changed, and
 * nothing has to be put back, however the process ends.
 */
export class LiveLine {
  /** Columns of what stands there. */
  private drawn = 0;

  constructor(
    private readonly screen: Screen,
    /** Without them the line is blanked by spaces. */
    private readonly escapes: boolean,
    /** Whether a line that a narrower window cannot hold is broken into several (xterm cuts it). */
    private readonly reflows: boolean,
  ) {}

  /** Shows a text of fewer columns than the terminal has. */
  draw(text: string): void {
    const columns = columnsOf(text);
    const rest = this.escapes ? '\x1b[K' : ' '.repeat(Math.max(0, this.drawn - columns));
    this.screen.write(this.drawn > this.columns ? this.blank() + text : `\r${text}${rest}`);
    this.drawn = columns;
  }

  erase(): void {
    if (this.drawn > 0) this.screen.write(this.blank());
    this.drawn = 0;
  }

  private get columns(): number {
    return this.screen.columns || 80;
  }

  /** Removes the line: all rows that it takes since the window has become narrower. */
  private blank(): string {
    const above = Math.max(0, Math.ceil(this.drawn / this.columns) - 1);
    if (!this.escapes) return above > 0 ? '\n' : `\r${' '.repeat(this.drawn)}\r`;
    return `${above > 0 && this.reflows ? `\x1b[${above}A` : ''}\r\x1b[J`;
  }
}
