/** The worker's end of the conversation: requests one after another, some of them between the steps of a training. */
import { OutOfMemory } from '../gpu/faults.ts';
import { failure } from './failures.ts';
import type { FromWorker, RequestType, ToWorker } from './protocol.ts';
import { Studio } from './studio.ts';

/** What cannot be done while a training is under way. */
const alone: readonly RequestType[] = ['open', 'train', 'continue', 'load'];

export type Post = (answer: FromWorker, transfer: Transferable[]) => void;

export class Requests {
  private readonly studio: Studio;
  private readonly waiting: ToWorker[] = [];
  /** The request that is being done. */
  private current: RequestType | undefined;
  private training: AbortController | undefined;
  private mapping: AbortController | undefined;

  constructor(private readonly post: Post) {
    this.studio = new Studio(
      (answer) => this.answer(answer),
      // A request that is under way fails with it, and says so itself.
      (error) => this.current ?? this.answer(failure(error, undefined, this.studio.left)),
    );
  }

  /** Opens the GPU, or says why not. */
  async begin(): Promise<void> {
    await this.studio.device().catch((error: unknown) => this.answer(failure(error, undefined, undefined)));
  }

  /** Takes a request; its answer is posted. */
  receive(request: ToWorker): void {
    if (request.type === 'stop') {
      this.training?.abort();
      this.mapping?.abort();
    } else if (this.training && alone.includes(request.type)) {
      const message = 'a training is under way; stop it first';
      this.answer({ type: 'error', kind: 'input', message, during: request.type });
    } else {
      this.waiting.push(request);
      if (!this.current) void this.work(() => true);
    }
  }

  /** Does what waits, in its order, up to the first request that may not be done now. */
  private async work(may: (request: ToWorker) => boolean): Promise<void> {
    const outer = this.current;
    while (this.waiting.length > 0 && may(this.waiting[0])) {
      const request = this.waiting.shift()!;
      this.current = request.type;
      this.answer(await this.done(request).catch((error: unknown) => this.failed(error, request.type)));
      this.current = outer;
    }
  }

  private async failed(error: unknown, during: RequestType): Promise<FromWorker> {
    if (error instanceof OutOfMemory) await this.studio.recover();
    return failure(error, during, this.studio.left);
  }

  private done(request: ToWorker): Promise<FromWorker> {
    const { studio } = this;
    switch (request.type) {
      case 'train':
        return this.trained((...run) => studio.train(request.settings, ...run));
      case 'continue':
        return this.trained((...run) => studio.goOn(request, ...run));
      case 'map':
        return this.mapped((signal) => studio.map(request, signal));
      case 'open':
        return studio.open(request);
      case 'plan':
        return studio.plan(request);
      case 'load':
        return studio.load(request);
      case 'save':
        return studio.save();
      case 'search':
        return studio.search(request);
      case 'features':
        return studio.features();
      default:
        return Promise.reject(new Error(`there is no request '${request.type}'`));
    }
  }

  private async trained(
    train: (signal: AbortSignal, between: (settle: () => Promise<void>) => Promise<void>) => Promise<FromWorker>,
  ): Promise<FromWorker> {
    this.training = new AbortController();
    try {
      return await train(this.training.signal, async (settle) => {
        if (this.waiting.length === 0) return;
        await settle();
        await this.work(({ type }) => !alone.includes(type));
      });
    } finally {
      this.training = undefined;
    }
  }

  private async mapped(map: (signal: AbortSignal) => Promise<FromWorker>): Promise<FromWorker> {
    this.mapping = new AbortController();
    try {
      return await map(this.mapping.signal);
    } finally {
      this.mapping = undefined;
    }
  }

  /** Files are handed over, not copied: nobody here needs them any more. */
  private answer(answer: FromWorker): void {
    this.post(answer, answer.type === 'weights' || answer.type === 'features' ? [answer.bytes.buffer] : []);
  }
}
