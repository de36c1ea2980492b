/** `metrics.jsonl` of a run, followed while another process writes it: what was read is not read again. */
import type { FileHandle } from 'node:fs/promises';
import { openPlainly } from './plain_files.ts';

/** Bytes that are read at once; between two pieces others get their turn. */
const pieceBytes = 1 << 20;
/** Bytes before the place that was reached, by which a file is known again that was written anew in its place. */
const tailBytes = 64;

/** What the follower reports. */
export interface LineSink {
  /** The file is another one, or shorter: all that was told is void. */
  restart(): void;
  line(record: Readonly<Record<string, unknown>>): void;
  /** A line that is no record. */
  damaged(): void;
}

export class MetricsFile {
  /** Bytes of whole lines that were told. */
  private offset = 0;
  private inode = 0n;
  /** The last bytes of those. */
  private tail = Buffer.alloc(0);
  /** Changes whenever lines were told or taken back. */
  version = 0;

  constructor(
    private readonly file: string,
    private readonly sink: LineSink,
  ) {}

  /**
   * Tells the lines that are new. A last line without its line break is left for later: its end may be on its way. A file that is gone is
   * told as one that restarted.
   */
  async follow(): Promise<void> {
    let handle: FileHandle;
    try {
      handle = await openPlainly(this.file);
    } catch {
      if (this.offset > 0) this.reset();
      return;
    }
    try {
      const stat = await handle.stat({ bigint: true });
      if (!stat.isFile()) return;
      const { ino, size } = stat;
      if (this.offset > 0 && !(await this.isContinued(handle, ino, Number(size)))) this.reset();
      this.inode = ino;
      while (await this.readPiece(handle));
    } finally {
      await handle.close();
    }
  }

  private reset(): void {
    this.offset = 0;
    this.tail = Buffer.alloc(0);
    this.version++;
    this.sink.restart();
  }

  /** Whether what was told is still in the file, and more may follow it. */
  private async isContinued(handle: FileHandle, inode: bigint, size: number): Promise<boolean> {
    if (inode !== this.inode || size < this.offset) return false;
    const bytes = Buffer.alloc(this.tail.length);
    await handle.read(bytes, 0, bytes.length, this.offset - bytes.length);
    return bytes.equals(this.tail);
  }

  /** @returns whether there may be more */
  private async readPiece(handle: FileHandle): Promise<boolean> {
    let bytes = Buffer.alloc(pieceBytes);
    let filled = 0;
    let end = -1;
    for (;;) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, this.offset + filled);
      filled += bytesRead;
      end = bytes.subarray(0, filled).lastIndexOf(0x0a);
      if (end >= 0 || bytesRead === 0) break;
      // One line fills the whole piece.
      const larger = Buffer.alloc(bytes.length * 2);
      bytes.copy(larger);
      bytes = larger;
    }
    if (end < 0) return false;
    this.tell(bytes.subarray(0, end + 1));
    return filled === bytes.length;
  }

  private tell(lines: Buffer): void {
    for (const text of lines.toString('utf8').split('\n').slice(0, -1)) {
      const record = parsed(text);
      if (record) this.sink.line(record);
      else if (text.trim() !== '') this.sink.damaged();
    }
    this.offset += lines.length;
    this.tail = Buffer.from(lines.subarray(Math.max(0, lines.length - tailBytes)));
    this.version++;
  }
}

/** A record with a step; undefined where a text is none. */
function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const record = value as Record<string, unknown>;
    return Number.isInteger(record['step']) ? record : undefined;
  } catch {
    return undefined;
  }
}
