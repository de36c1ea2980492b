import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { UserError } from '../../../src/errors.ts';
import { besideModule } from '../files.ts';
import { pythonWithTorch } from './python.ts';

/** An answer of `worker.py`, which describes the protocol. */
export type Answer = Readonly<Record<string, unknown>>;

/**
 * The Python process that does PyTorch's work: one for all cases, because it takes seconds to start. It ends when its input does,
 * and keeps this process alive only while an answer is awaited.
 */
export class Worker {
  private waiting: { resolve(answer: Answer): void; reject(error: Error): void } | undefined;
  private said = '';

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    createInterface({ input: child.stdout }).on('line', (line) => this.settle(JSON.parse(line) as Answer));
    child.stderr.on('data', (text: Buffer) => {
      this.said = (this.said + text.toString()).slice(-2000);
    });
    child.on('close', () => this.end());
    child.stdin.on('error', () => this.end());
    this.hold(false);
  }

  static async start(): Promise<Worker> {
    const script = besideModule(import.meta.url, 'peers/pytorch', 'worker.py');
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
    return new Worker(spawn(await pythonWithTorch(), ['-u', script], { stdio: 'pipe', env }));
  }

  /** Sends a request and awaits its answer. UserError: it was answered with an error, or the process ended. */
  async ask(request: Readonly<Record<string, unknown>>): Promise<Answer> {
    if (this.waiting) throw new Error('[pytorch] only one request at a time');
    this.hold(true);
    const answered = new Promise<Answer>((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
    if (this.child.exitCode !== null) this.end();
    else this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const answer = await answered.finally(() => this.hold(false));
    if (answer['error'] !== undefined) throw new UserError(`PyTorch reports: ${answer['error']}`);
    return answer;
  }

  private settle(answer: Answer): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.resolve(answer);
  }

  private end(): void {
    const { waiting } = this;
    this.waiting = undefined;
    const last = this.said.trim().split('\n').at(-1);
    waiting?.reject(new UserError(`PyTorch's process ended: ${last || 'without output'}`));
  }

  private hold(awake: boolean): void {
    const { child } = this;
    for (const handle of [child, child.stdin as Socket, child.stdout as Socket, child.stderr as Socket]) {
      if (awake) handle.ref();
      else handle.unref();
    }
  }
}
