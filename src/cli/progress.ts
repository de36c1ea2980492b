/** What a progress bar says, and how fast the task behind it gets on. */
import { columnsOf, cut } from '../report/fold.ts';

/** The end of a task is told from its last so many milliseconds, pauses within them included. */
const window = 30_000;
/** Its pace is the median of so many intervals: a pause, such as a probe between two steps, is none of it. */
const recent = 9;
/** Marks of the past are so many milliseconds apart, however often a task reports. */
const apart = 100;

interface Mark {
  readonly time: number;
  readonly done: number;
}

/** Units a second between two marks. */
const rate = (from: Mark, to: Mark): number => (1000 * (to.done - from.done)) / (to.time - from.time);

/** The pace of a task, from reports of how much of it is done. Times are in milliseconds. */
export class Pace {
  private readonly marks: Mark[] = [];
  private last: Mark | undefined;

  report(done: number, time: number): void {
    this.last = { time, done };
    if (this.marks.length === 0 || time - this.marks.at(-1)!.time >= apart) this.marks.push(this.last);
    while (this.marks.length > 2 && time - this.marks[1].time > window) this.marks.shift();
  }

  /** Units a second while the task is at work; undefined until there is something to tell it from. */
  perSecond(): number | undefined {
    const marks = this.marks.slice(-recent - 1);
    const paces = marks.slice(1).map((mark, i) => rate(marks[i], mark));
    return paces.sort((a, b) => a - b)[Math.floor(paces.length / 2)];
  }

  /** Seconds from `time` until `total` will be done. */
  secondsLeft(total: number, time: number): number | undefined {
    const [first, last] = [this.marks[0], this.last];
    if (!first || !last || last.time <= first.time || last.done <= first.done) return undefined;
    return Math.max(0, (total - last.done) / rate(first, last) - (time - last.time) / 1000);
  }
}

/** What a bar shows beside the task's name. */
export interface ProgressDetails {
  /** The most important first: where there is no room, the last are left out. */
  readonly notes?: readonly string[];
  /** How much is done, in place of `done/total`. */
  readonly count?: string;
  /** Tells the pace, for instance as images a second, from units a second. */
  readonly rate?: (perSecond: number) => string;
}

/** One state of a task. */
export interface Progress {
  readonly task: string;
  readonly done: number;
  readonly total: number;
  readonly count: string;
  readonly notes: readonly string[];
  readonly secondsLeft: number | undefined;
}

/** 3725 → `1:02:05`, 42 → `0:42`. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

const barSizes = { least: 6, most: 24 };

/**
 * A task in one line of at most `width` columns: `epoch 3/10  ███░░░  62/500  48 img/s  loss 3.214  ETA 2:13`. Notes go first where
 * there is no room, then the bar, then the count.
 */
export function progressText(progress: Progress, width: number, { bar = true } = {}): string {
  const { task, done, total, count, secondsLeft } = progress;
  const eta = secondsLeft === undefined ? [] : [`ETA ${clock(secondsLeft)}`];
  const notes = [...progress.notes];
  const least = bar ? 2 + barSizes.least : 0;
  const text = () => [task, count, ...notes, ...eta].join('  ');
  while (notes.length > 0 && columnsOf(text()) + least > width) notes.pop();
  const room = Math.min(barSizes.most, width - columnsOf(text()) - 2);
  if (bar && room >= barSizes.least) {
    const share = total > 0 ? Math.min(1, done / total) : 1;
    const filled = Math.floor(room * share);
    return [task, '█'.repeat(filled) + '░'.repeat(room - filled), count, ...notes, ...eta].join('  ');
  }
  const shorter = [text(), [task, ...eta].join('  '), task];
  return shorter.find((one) => columnsOf(one) <= width) ?? cut(task, width);
}
