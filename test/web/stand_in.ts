/**
 * In place of the page's worker: the same messages, and nothing that takes time. A photo's features are the mean colours of nine parts
 * of it; a training's losses are a curve. What goes wrong is chosen by the folder that it is served from: see `scenario`.
 */
import type {
  FromWorker,
  Neighbour,
  Opened,
  OpenRequest,
  Query,
  ToWorker,
  WebSettings,
} from '../../src/web/protocol.ts';

/** The last folder of this script's address: `plain`, `no-webgpu`, `memory`, `lost`, `left`, `slow`, `late`, `connects`. */
const scenario = new URL(import.meta.url).pathname.split('/').at(-2);
/** Milliseconds a step takes. */
const pace = scenario === 'slow' ? 250 : 4;

const say = (message: FromWorker): void => postMessage(message);
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const side = 24;
let pictures: { readonly name: string; readonly features: Float32Array; readonly pixels: ImageData }[] = [];
let learnt = false;
let stopped = false;
let training: { done: number; settings: WebSettings } | undefined;

class Refused extends Error {
  constructor(
    readonly kind: Extract<FromWorker, { type: 'error' }>['kind'],
    message: string,
    readonly kept?: { readonly step: number; readonly steps: number },
  ) {
    super(message);
  }
}

async function decode(file: File): Promise<{ features: Float32Array; pixels: ImageData }> {
  const bitmap = await createImageBitmap(file, { resizeWidth: side, resizeHeight: side });
  const context = new OffscreenCanvas(side, side).getContext('2d')!;
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, side, side);
  const features = new Float32Array(27);
  for (let i = 0; i < side * side; i++) {
    const part = 3 * Math.floor((3 * Math.floor(i / side)) / side) + Math.floor((3 * (i % side)) / side);
    for (let channel = 0; channel < 3; channel++)
      features[3 * part + channel] += (pixels.data[4 * i + channel] / 255 - 0.5) / 64;
  }
  return { features, pixels };
}

async function open({ photos, imageSize }: OpenRequest): Promise<Opened> {
  pictures = [];
  const places: number[] = [];
  const skipped: { name: string; reason: string }[] = [];
  for (const [place, { name, file }] of photos.entries()) {
    const picture = await decode(file).catch(() => undefined);
    if (picture) {
      pictures.push({ name, ...picture });
      places.push(place);
    } else skipped.push({ name, reason: 'is no picture that this browser can decode' });
    say({ type: 'decoding', done: place + 1, total: photos.length });
  }
  if (scenario === 'connects') {
    // What a photo could leave by. Whether the page's policy refuses it is told as of a file that cannot be read.
    const reason = await fetch(new URL('style.css', import.meta.url)).then(
      () => 'connected',
      () => 'refused',
    );
    skipped.push({ name: 'connection', reason });
  }
  if (pictures.length === 0) throw new Refused('input', 'None of the files is a picture that this browser can decode.');
  return { type: 'opened', names: pictures.map(({ name }) => name), places, imageSize, skipped };
}

function factsOf(settings: WebSettings) {
  const { batchSize = 32, epochs = 2 } = settings as { batchSize?: number; epochs?: number };
  if (scenario === 'memory')
    throw new Refused('memory', 'The training needs 9.3 GiB of GPU memory, and a buffer may have 2.0 GiB.');
  const stepsPerEpoch = Math.floor(pictures.length / batchSize);
  const defaults = {
    method: 'simclr',
    lr: 0.001,
    temperature: 0.5,
    weightDecay: 0.0001,
    seed: 1,
    schedule: 'constant',
  };
  return {
    method: 'simclr',
    parameters: 11_176_512,
    peakBytes: 1.4 * 2 ** 30,
    steps: stepsPerEpoch * epochs,
    stepsPerEpoch,
    epochs,
    batchSize,
    chance: Math.log(2 * batchSize - 1),
    metrics: { accuracy: { label: 'Contrastive accuracy', format: 'percent' } },
    settings: { ...defaults, architecture: 'resnet18', stem: 'imagenet', ...settings },
  } as const;
}

const cosine = (a: Float32Array, b: Float32Array): number => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(Math.max(1e-12, dot(a, a) * dot(b, b)));
};

function showViews(step: number, share: number): void {
  const count = Math.min(8, pictures.length);
  const similarity = Float32Array.from({ length: (2 * count) ** 2 }, (_, i) => {
    const [row, column] = [Math.floor(i / (2 * count)), i % (2 * count)];
    if (row === column) return 1;
    return row % count === column % count ? 0.3 + 0.65 * share : 0.6 * (1 - share) * Math.cos(3 * (row + column));
  });
  say({ type: 'similarity', step, count, similarity, positives: 0.3 + 0.65 * share, negatives: 0.5 * (1 - share) });
  if (step > 0) return;
  const rgba = new Uint8ClampedArray(2 * count * side * side * 4);
  for (let view = 0; view < 2 * count; view++) rgba.set(pictures[view % count].pixels.data, view * side * side * 4);
  say({ type: 'pairs', count, size: side, rgba });
}

/** @param notes what a greater length changes */
async function train(notes: readonly string[] = []): Promise<void> {
  const { settings } = training!;
  const facts = factsOf(settings);
  const startsAt = training!.done;
  stopped = false;
  const began = performance.now();
  for (let done = 1; done <= 3; done++) say({ type: 'compiling', done, total: 3 });
  say({ type: 'ready', startsAt, notes, ...facts });
  if (startsAt === 0) showViews(0, 0);
  let loss: number | undefined;
  for (let step = startsAt + 1; step <= facts.steps && !stopped; step++) {
    await pause(pace);
    if (scenario === 'lost' && step === 3) {
      learnt = false;
      throw new Refused('device-lost', 'The GPU was lost in step 3 (its driver was restarted).');
    }
    if (scenario === 'left' && step === 5 && startsAt === 0) {
      training!.done = 3;
      throw new Refused('device-lost', 'The GPU was lost in step 5.', { step: 3, steps: facts.steps });
    }
    const share = step / facts.steps;
    loss = facts.chance * (0.35 + 0.65 * Math.exp(-3 * share)) + 0.12 * Math.sin(step * 12.9898);
    const metrics = { accuracy: 0.05 + 0.85 * share };
    const epoch = Math.ceil(step / facts.stepsPerEpoch);
    const left = ((facts.steps - step) * pace) / 1000;
    const numbers = { lr: 0.001, imagesPerSecond: 412, memory: facts.peakBytes, secondsLeft: left };
    say({ type: 'step', step, steps: facts.steps, epoch, loss, metrics, ...numbers });
    if (step % facts.stepsPerEpoch === 0) {
      showViews(step, share);
      say({ type: 'epoch', epoch, epochs: facts.epochs, loss, metrics });
    }
    training!.done = step;
    learnt = true;
  }
  const step = training!.done;
  const seconds = (performance.now() - began) / 1000;
  say({ type: 'finished', step, steps: facts.steps, interrupted: step < facts.steps, loss, seconds });
}

async function search(query: Query, k: number): Promise<void> {
  const features = 'photo' in query ? pictures[query.photo].features : (await decode(query.file)).features;
  const all: Neighbour[] = pictures.map((picture, photo) => ({
    photo,
    similarity: cosine(features, picture.features),
  }));
  const others = all.filter(({ photo }) => !('photo' in query && query.photo === photo));
  others.sort((a, b) => b.similarity - a.similarity);
  say({ type: 'neighbours', query, neighbours: others.slice(0, k) });
}

async function answer(request: ToWorker): Promise<void> {
  if (['search', 'map', 'features', 'save'].includes(request.type) && !learnt)
    throw new Refused('input', 'Nothing was learnt yet.');
  switch (request.type) {
    case 'open':
      return say(await open(request));
    case 'plan':
      return say({ type: 'planned', ...factsOf(request.settings) });
    case 'train':
      training = { done: 0, settings: request.settings };
      return train();
    case 'continue': {
      const { epochs } = request;
      if (epochs === undefined) return train();
      training = { ...training!, settings: { ...training!.settings, epochs } };
      return train([`extended to ${epochs} epochs`]);
    }
    case 'load': {
      const text = new TextDecoder().decode(request.bytes);
      if (!text.startsWith('stand-in'))
        throw new Refused('input', `${request.name} is no safetensors file: choose one that was saved here.`);
      learnt = true;
      return say({
        type: 'loaded',
        name: request.name,
        encoder: 'ResNet-18, cifar stem',
        imageSize: 32,
        opened: undefined,
      });
    }
    case 'save':
      return say({ type: 'weights', name: 'simclr.safetensors', bytes: new TextEncoder().encode('stand-in weights') });
    case 'search':
      return search(request.query, request.k);
    case 'map': {
      if (scenario === 'late') await pause(1000);
      const positions = Float32Array.from(
        pictures.flatMap(({ features }) => [Math.tanh(3 * features[12]), Math.tanh(3 * features[1])]),
      );
      say({ type: 'map-progress', done: pictures.length, total: pictures.length });
      return say({ type: 'map', layout: request.layout, positions, interrupted: false });
    }
    case 'features': {
      const rows = pictures.map(({ name, features }) => `${name},${features[0]}`);
      return say({
        type: 'features',
        name: 'features.csv',
        bytes: new TextEncoder().encode(`file,f0\n${rows.join('\n')}\n`),
      });
    }
    case 'stop':
      stopped = true;
  }
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  answer(data).catch((error: Error) => {
    const kind = error instanceof Refused ? error.kind : 'fault';
    const kept = error instanceof Refused ? error.kept : undefined;
    say({ type: 'error', kind, message: error.message, during: data.type, ...(kept && { kept }) });
  });
});

if (scenario === 'no-webgpu') {
  say({ type: 'error', kind: 'no-webgpu', message: 'This browser has no WebGPU.', during: undefined });
} else {
  const methods = [{ name: 'simclr', about: 'two views of a photo are alike, those of others are not' }];
  const limits = { maxBufferSize: 2 ** 31, maxStorageBufferBindingSize: 2 ** 30, features: [] };
  const software = scenario === 'slow' || scenario === 'late';
  if (scenario === 'late') await pause(1500);
  say({ type: 'device', adapter: 'Stand-in graphics', software, ...limits, methods });
}
