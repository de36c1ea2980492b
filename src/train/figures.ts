/** The figures that a learner declares, ready to be drawn. */
import type { State } from '../graph/state.ts';
import type { EpochData } from '../ssl/feeds.ts';
import type { StepParts } from '../ssl/step.ts';
import { PicturesFigure } from './picture_figure.ts';
import { SimilarityFigure } from './similarity_figure.ts';
import type { PairsDrawn } from './similarity_probe.ts';

export interface DrawnFigure {
  /** PNG files by name, `similarity`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Of a figure of pairs, how similar they are. */
  readonly pairs?: PairsDrawn;
}

export interface DrawableFigure {
  /** Draws what the weights make of the images now. `step` goes into the title; `data` is what the epoch under way began with. */
  draw(step: number, data: EpochData): Promise<DrawnFigure>;
  destroy(): void;
}

export async function createFigures(state: State, parts: StepParts): Promise<readonly DrawableFigure[]> {
  const figures: DrawableFigure[] = [];
  for (const figure of parts.learner.figures ?? [])
    figures.push(
      figure.kind === 'similarity'
        ? await SimilarityFigure.create(state, parts, figure)
        : await PicturesFigure.create(state, parts, figure),
    );
  return figures;
}
