/** The page's end of the conversation with its worker: requests as promises, everything else as events. */
import type {
  FileContent,
  Finished,
  FromWorker,
  Loaded,
  Neighbours,
  Opened,
  PhotoMap,
  Planned,
  RequestType,
  ToWorker,
  WorkerError,
} from '../protocol.ts';

/** What each request is answered with. */
interface Answers {
  open: Opened;
  plan: Planned;
  train: Finished;
  continue: Finished;
  load: Loaded;
  save: FileContent;
  search: Neighbours;
  map: PhotoMap;
  features: FileContent;
}

/** Requests that an answer may belong to. */
const answered: Partial<Record<FromWorker['type'], readonly RequestType[]>> = {
  opened: ['open'],
  planned: ['plan'],
  finished: ['train', 'continue'],
  loaded: ['load'],
  weights: ['save'],
  neighbours: ['search'],
  map: ['map'],
  features: ['features'],
};

type Request<K extends keyof Answers> = Extract<ToWorker, { readonly type: K }> & { readonly type: K };
type EventOf<T extends FromWorker['type']> = Extract<FromWorker, { readonly type: T }>;

/** Of an error of the worker. */
type Told = Omit<WorkerError, 'type' | 'during'>;

/** A request that was answered with an error. */
export class Failure extends Error {
  override readonly name = 'Failure';
  constructor(readonly error: Told) {
    super(error.message);
  }
}

/** What was thrown, as an error of the worker: anything else than a `Failure` is a mistake of this program. */
export const failureOf = (thrown: unknown): Told =>
  thrown instanceof Failure
    ? thrown.error
    : { kind: 'fault', message: thrown instanceof Error ? thrown.message : String(thrown) };

interface Pending {
  readonly request: ToWorker;
  readonly resolve: (answer: never) => void;
  readonly reject: (failure: Failure) => void;
}

export class Client {
  private worker: Worker;
  /** It has said something: its script is there and runs. */
  private heard = false;
  private pending: Pending[] = [];
  private readonly listeners: ((message: FromWorker) => void)[] = [];

  /** @param ways to start the worker: the next is taken where one does not come to run */
  constructor(private readonly ways: readonly (() => Worker)[]) {
    this.worker = this.begin(0);
  }

  private begin(way: number): Worker {
    const isLast = way + 1 === this.ways.length;
    let worker: Worker;
    try {
      worker = this.ways[way]();
    } catch (error) {
      if (isLast) throw error;
      return this.begin(way + 1);
    }
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => this.receive(data));
    worker.addEventListener('messageerror', () => this.broken('a message could not be read'));
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      if (this.heard || isLast) this.broken(event.message || 'its script could not be loaded');
      else {
        worker.terminate();
        this.worker = this.begin(way + 1);
        for (const { request } of this.pending) this.worker.postMessage(request);
      }
    });
    return worker;
  }

  /** Hears every message of a type; of errors, those that end no request. */
  on<T extends FromWorker['type']>(type: T, listener: (message: EventOf<T>) => void): void {
    this.listeners.push((message) => {
      if (message.type === type) listener(message as EventOf<T>);
    });
  }

  /** Sends a request. Rejects with a `Failure`. */
  request<K extends keyof Answers>(request: Request<K>, transfer: Transferable[] = []): Promise<Answers[K]> {
    return new Promise((resolve, reject) => {
      this.pending.push({ request, resolve, reject });
      this.worker.postMessage(request, transfer);
    });
  }

  /** Asks that the training or the map under way ends: its own answer comes. */
  stop(): void {
    this.worker.postMessage({ type: 'stop' } satisfies ToWorker);
  }

  private receive(message: FromWorker): void {
    this.heard = true;
    if (message.type === 'error') {
      const { during } = message;
      const request = during && this.take([during]);
      if (request) request.reject(new Failure(message));
      else this.tell(message);
      return;
    }
    this.tell(message);
    const types = answered[message.type];
    if (types) this.take(types)?.resolve(message as never);
  }

  private tell(message: FromWorker): void {
    for (const listener of this.listeners) listener(message);
  }

  /** The oldest request of one of these types, which has its answer now. */
  private take(types: readonly RequestType[]): Pending | undefined {
    const index = this.pending.findIndex(({ request }) => types.includes(request.type));
    return index < 0 ? undefined : this.pending.splice(index, 1)[0];
  }

  /** The worker is of no use any more: nothing that was asked of it will be answered. */
  private broken(reason: string): void {
    const message = `The part of the page that computes has failed (${reason}). Reload the page.`;
    const error: WorkerError = { type: 'error', kind: 'fault', message, during: undefined };
    const { pending } = this;
    this.pending = [];
    for (const { reject } of pending) reject(new Failure(error));
    this.tell(error);
  }
}

/**
 * How the worker is started. By way of a script without an address of its own it has the policy of the page, which allows no connection,
 * whereas one that is loaded from a server has that which the server sends with it, if any: this is for browsers that refuse the first.
 */
export function waysToStart(url: URL): (() => Worker)[] {
  const script = new Blob([`import ${JSON.stringify(url.href)};`], { type: 'text/javascript' });
  return [() => new Worker(URL.createObjectURL(script), { type: 'module' }), () => new Worker(url, { type: 'module' })];
}
