/** Exact t-SNE on the GPU (van der Maaten & Hinton, 2008), with scikit-learn's schedule and defaults, but without its early stops. */
import { UserError } from '../errors.ts';
import { Program } from '../graph/program.ts';
import { State } from '../graph/state.ts';
import { input, trace, variable } from '../graph/trace.ts';
import { tsneAffinities, tsneGradient, tsneUpdate } from '../ops/tsne.ts';
import { firstComponents } from './pca.ts';

/** How `tsne` makes a map (van der Maaten & Hinton, 2008). */
export interface TsneOptions {
  /** Neighbours, about, that a point looks at. */
  readonly perplexity: number;
  readonly iterations: number;
  /** Affinities are multiplied by this in the first iterations, with momentum 0.5; after them the descent begins anew from rest, with momentum 0.8. */
  readonly exaggeration: number;
  readonly exaggeratedIterations: number;
  /** Learning rate; by default max(N / exaggeration / 4, 50) (Belkina et al., 2019). */
  readonly rate?: number;
  /** First coordinates [N, 2]; by default the first two principal components, at deviation 1e-4. */
  readonly start?: Float32Array;
  readonly onProgress?: (iteration: number, kl: number) => void;
  /** Given the coordinates [N, 2] so far, as often; the descent ends there where it returns false. */
  readonly onPositions?: (iteration: number, coordinates: Float32Array) => boolean;
}

export const tsneDefaults = {
  perplexity: 30,
  iterations: 1000,
  exaggeration: 12,
  exaggeratedIterations: 250,
} as const;

/** A map of points, by `tsne`. */
export interface Embedding {
  /** [N, 2], their mean at 0 */
  readonly coordinates: Float32Array;
  /** Kullback-Leibler divergence of the embedding's affinities from those of the points. */
  readonly kl: number;
  /** The divergence as every 50th iteration found it, and at the end. */
  readonly history: readonly { readonly iteration: number; readonly kl: number }[];
}

/** Iterations between looks at the divergence; what lies between is queued on the device. */
const lookEvery = 50;

/** The most points whose N × N affinities this device can bind. */
export function mostPoints({ gpu: { traits } }: State): number {
  const { maxStorageBufferBindingSize, maxBufferSize } = traits.limits;
  return Math.floor(Math.sqrt(Math.min(maxStorageBufferBindingSize, maxBufferSize) / 4));
}

/**
 * Lays points x [N, dimensions] out in the plane. The same on one device every time.
 * @throws UserError the perplexity does not suit the number of points, or the device has not the memory
 */
export async function tsne(
  state: State,
  x: Float32Array,
  dimensions: number,
  given: Partial<TsneOptions> = {},
): Promise<Embedding> {
  const options = { ...tsneDefaults, ...given };
  const rows = x.length / dimensions;
  const { perplexity, iterations } = options;
  if (!(perplexity >= 1) || 3 * perplexity > rows - 1) {
    const possible = Math.floor((rows - 1) / 3);
    const remedy = possible >= 1 ? `use 1 to ${possible}` : 'use more images';
    throw new UserError(`t-SNE: perplexity ${perplexity} is not suitable for ${rows} points; ${remedy}`, 2);
  }
  if (rows > mostPoints(state)) {
    throw new UserError(
      `t-SNE of ${rows} points: this adapter can bind the affinities of at most ${mostPoints(state)}; use fewer`,
    );
  }
  const layout = await Layout.create(state, x, dimensions, perplexity, options.start ?? start(x, dimensions));
  const rate = options.rate ?? Math.max(rows / options.exaggeration / 4, 50);
  const history: { iteration: number; kl: number }[] = [];
  const note = (iteration: number, kl: number) => {
    history.push({ iteration, kl });
    options.onProgress?.(iteration, kl);
  };
  let last = iterations;
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const early = iteration <= options.exaggeratedIterations;
    if (iteration === options.exaggeratedIterations + 1) layout.rest();
    const run = layout.step(early ? options.exaggeration : 1, rate, early ? 0.5 : 0.8);
    if (iteration % lookEvery !== 0 || iteration === iterations) continue;
    note(iteration, (await run.read())['loss'][0]);
    if (options.onPositions?.(iteration, await layout.coordinates()) !== false) continue;
    last = iteration;
    break;
  }
  const found = await layout.finish();
  note(last, found.kl);
  return { ...found, history };
}

/** Principal components, the first at deviation 1e-4, as scikit-learn begins. */
function start(x: Float32Array, dimensions: number): Float32Array {
  const components = firstComponents(x, dimensions);
  const first = components.filter((_, i) => i % 2 === 0);
  const deviation = Math.sqrt(first.reduce((sum, value) => sum + value * value, 0) / first.length);
  return Float32Array.from(components, (value) => (deviation > 0 ? (value / deviation) * 1e-4 : 0));
}

/** The programs and variables of one embedding. */
class Layout {
  private constructor(
    private readonly state: State,
    private readonly program: Program,
    private readonly y: ReturnType<typeof variable>,
    private readonly velocity: ReturnType<typeof variable>,
    private readonly gain: ReturnType<typeof variable>,
    private readonly release: () => void,
  ) {}

  /** Computes the affinities and compiles a step. */
  static async create(state: State, x: Float32Array, dimensions: number, perplexity: number, begin: Float32Array) {
    const rows = x.length / dimensions;
    const p = variable('t-SNE affinities', [rows, rows]);
    const y = variable('t-SNE embedding', [rows, 2], () => begin);
    const velocity = variable('t-SNE velocity', [rows, 2]);
    const gain = variable('t-SNE gain', [rows, 2], () => new Float32Array(2 * rows).fill(1));
    const own = new State(state.gpu);
    const points = trace(() => tsneAffinities(input('x', [rows, dimensions], 'f32'), p, { perplexity }));
    const affinities = await Program.compile(points.graph, own);
    affinities.run({ x });
    const step = trace(() => {
      const { gradient, loss } = tsneGradient(p, y, input('exaggeration', [1], 'f32'));
      tsneUpdate(y, velocity, gain, gradient, input('scalars', [2], 'f32'));
      return { loss };
    });
    const program = await Program.compile(step.graph, own, step.result);
    affinities.destroy();
    return new Layout(own, program, y, velocity, gain, () => {
      program.destroy();
      own.destroy();
    });
  }

  step(exaggeration: number, rate: number, momentum: number) {
    return this.program.run({
      exaggeration: Float32Array.of(exaggeration),
      scalars: Float32Array.of(rate, momentum),
    });
  }

  /** Velocities to 0 and gains to 1, as scikit-learn has them when the exaggeration ends. */
  rest(): void {
    this.state.write(this.velocity, new Float32Array(this.velocity.size));
    this.state.write(this.gain, new Float32Array(this.gain.size).fill(1));
  }

  /** The coordinates about their mean. */
  async coordinates(): Promise<Float32Array> {
    const y = (await this.state.read(this.y)) as Float32Array;
    const mean = [0, 1].map((c) => y.reduce((sum, value, i) => (i % 2 === c ? sum + value : sum), 0) / (y.length / 2));
    return y.map((value, i) => value - mean[i % 2]);
  }

  /** The same and their divergence; nothing can be asked of the layout then. */
  async finish(): Promise<Pick<Embedding, 'coordinates' | 'kl'>> {
    const coordinates = await this.coordinates();
    // The loss of a step is that of the embedding before it: one more step, which moves nothing.
    const { loss } = await this.step(1, 0, 0).read();
    this.release();
    return { coordinates, kl: loss[0] };
  }
}
