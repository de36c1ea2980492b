/** Event files: TensorBoard reads all of a folder, in the order of their names. */
import fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { guarded } from '../io/file_errors.ts';
import { framed } from './records.ts';
import { type Event, encodeEvent, type SummaryValue, sessionStart } from './schema.ts';

const prefix = 'events.out.tfevents.';
const version = 'brain.Event:2';

/**
 * One event file, made when the first event is written. Each event is written at once and whole: what a killed process left incomplete
 * is the end of its own file, and those that resume write another.
 */
export class EventFile {
  private fd: number | undefined;

  /**
   * @param folder made where it is not there
   * @param from TensorBoard forgets events of this step and of later ones that are in earlier files: they come again
   * @param first what the file begins with
   */
  constructor(
    private readonly folder: string,
    private readonly from: number,
    private readonly first: readonly SummaryValue[] = [],
  ) {}

  /** Whether the folder has none yet. */
  static isFirstOf(folder: string): boolean {
    return !fs.existsSync(folder) || !fs.readdirSync(folder).some((name) => name.startsWith(prefix));
  }

  /**
   * @param wallTime seconds since 1970
   * @throws UserError the file cannot be written
   */
  add(step: number, values: readonly SummaryValue[], wallTime = Date.now() / 1000): void {
    if (values.length > 0) this.write({ wallTime, step, summary: { value: values } });
  }

  close(): void {
    if (this.fd !== undefined) fs.closeSync(this.fd);
    this.fd = undefined;
  }

  private write(event: Event): void {
    guarded('write', this.folder, () => {
      this.fd ??= this.open();
      fs.writeSync(this.fd, framed(encodeEvent(event)));
    });
  }

  private open(): number {
    const { folder, from } = this;
    fs.mkdirSync(folder, { recursive: true });
    const fd = fs.openSync(join(folder, nextName(folder)), 'wx');
    const wallTime = Date.now() / 1000;
    const head: Event[] = [
      { wallTime, step: 0, fileVersion: version },
      { wallTime, step: from, sessionLog: { status: sessionStart } },
      ...(this.first.length > 0 ? [{ wallTime, step: from, summary: { value: this.first } }] : []),
    ];
    for (const event of head) fs.writeSync(fd, framed(encodeEvent(event)));
    return fd;
  }
}

/** A name behind all others in the order of names: seconds since 1970, in ten digits, come first in it. */
function nextName(folder: string): string {
  const seconds = fs
    .readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length).split('.', 1)[0]));
  const time = Math.max(Math.floor(Date.now() / 1000), ...seconds.filter(Number.isFinite).map((one) => one + 1));
  return `${prefix}${String(time).padStart(10, '0')}.${hostname()}.${process.pid}.0.v2`;
}
