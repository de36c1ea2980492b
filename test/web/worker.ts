/** A conversation with the worker, in a page of Chromium. */
import type { FromWorker, Photo, ToWorker } from '../../src/web/protocol.ts';

export type Answer<T extends FromWorker['type']> = Extract<FromWorker, { type: T }>;

/** What answers a request. */
const finals: Readonly<Record<string, FromWorker['type']>> = {
  ...{ open: 'opened', plan: 'planned', train: 'finished', continue: 'finished', load: 'loaded' },
  ...{ save: 'weights', search: 'neighbours', map: 'map', features: 'features' },
};

export class Conversation {
  readonly all: FromWorker[] = [];
  private readonly worker = new Worker('./worker.js', { type: 'module' });
  private readonly waiting: (() => void)[] = [];

  constructor() {
    this.worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      this.all.push(data);
      for (const look of this.waiting.splice(0)) look();
    };
  }

  post(request: ToWorker): void {
    this.worker.postMessage(request);
  }

  /** The first message from place `from` on that is wanted. */
  async next(wanted: (answer: FromWorker) => boolean, from = 0): Promise<FromWorker> {
    for (;;) {
      const found = this.all.slice(from).find(wanted);
      if (found) return found;
      await new Promise<void>((look) => this.waiting.push(look));
    }
  }

  /** Posts a request and waits for what ends it. */
  ask(request: ToWorker): Promise<FromWorker> {
    const from = this.all.length;
    this.post(request);
    const { type } = request;
    return this.next(
      (answer) => answer.type === finals[type] || (answer.type === 'error' && answer.during === type),
      from,
    );
  }

  types(): string[] {
    return [...new Set(this.all.map(({ type }) => type))];
  }
}

/** Photos [width × height] of stripes in a few colours, as PNG files: every fourth has the same colour. */
export async function stripes(count: number, width: number, height: number): Promise<Photo[]> {
  const hues = [0, 90, 180, 270];
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext('2d')!;
      context.fillStyle = `hsl(${hues[i % hues.length]} 80% 50%)`;
      context.fillRect(0, 0, width, height);
      context.fillStyle = `hsl(${hues[i % hues.length] + 40} 60% ${20 + ((7 * i) % 60)}%)`;
      for (let x = 0; x < width; x += 8 + (i % 3)) context.fillRect(x, 0, 4, height);
      const name = `stripes-${i}.png`;
      return { name: `folder/${name}`, file: new File([await canvas.convertToBlob()], name, { type: 'image/png' }) };
    }),
  );
}

/** A file that is no picture. */
export const broken = (): Photo => ({ name: 'folder/notes.jpg', file: new File(['not a picture'], 'notes.jpg') });
