import { epochOrder } from '../data/order.ts';
import { type ImageSource, imagesOf } from '../data/source.ts';
import { Program } from '../graph/program.ts';
import type { State } from '../graph/state.ts';
import { trace } from '../graph/trace.ts';
import { pictureSheet } from '../report/picture_sheet.ts';
import { type EpochData, StepFeeds } from '../ssl/feeds.ts';
import type { PictureFigure } from '../ssl/method.ts';
import type { StepParts } from '../ssl/step.ts';
import { traceViews } from '../ssl/views.ts';
import { drawnEpoch } from './similarity_probe.ts';

/** Shows what a method does with a few fixed images, always the same views of them. */
export class PicturesFigure {
  private constructor(
    private readonly program: Program,
    private readonly source: ImageSource,
    private readonly feeds: StepFeeds,
    private readonly indices: Uint32Array,
    private readonly seed: number,
    private readonly declared: PictureFigure,
  ) {}

  static async create(
    state: State,
    { source: samples, views: groups, settings }: Omit<StepParts, 'learner'>,
    declared: PictureFigure,
  ): Promise<PicturesFigure> {
    const source = imagesOf(samples);
    const { count } = source.set;
    const { seed } = settings;
    const most = Math.min(declared.images ?? 8, count);
    const chosen = declared.choose?.(source.set) ?? epochOrder(count, seed, drawnEpoch);
    const indices = Uint32Array.from(chosen).slice(0, most);
    const feeds = StepFeeds.of(source.set, indices.length);
    const own = groups.map((group) => ({ ...group, from: undefined }));
    const { graph, result } = trace(() => declared.record(traceViews(source, own, feeds, settings), feeds));
    return new PicturesFigure(await Program.compile(graph, state, result), source, feeds, indices, seed, declared);
  }

  /** Runs the images and draws the sheet. `step` goes into its title; `data` is what the epoch under way began with. */
  async draw(step: number, data: EpochData): Promise<{ readonly files: Readonly<Record<string, Uint8Array>> }> {
    const { indices, seed, source, feeds, declared } = this;
    const time = { seed, epoch: drawnEpoch, step: 1, steps: 1, perEpoch: 1, indices, first: 0 };
    const values = await this.program.run({ ...feeds.values(time, data), ...source.inputs(indices) }).read();
    return { files: { [declared.name]: pictureSheet(`step ${step}`, declared.columns(values)) } };
  }

  destroy(): void {
    this.program.destroy();
  }
}
