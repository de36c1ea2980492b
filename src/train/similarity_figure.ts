import type { State } from '../graph/state.ts';
import { pairGrid } from '../report/sheets.ts';
import { similarityMatrix } from '../report/similarity.ts';
import type { SimilarityOfPairs } from '../ssl/method.ts';
import type { StepParts } from '../ssl/step.ts';
import { type PairsDrawn, SimilarityProbe } from './similarity_probe.ts';

/** Draws what the network makes of one fixed batch of pairs. */
export class SimilarityFigure {
  private constructor(private readonly probe: SimilarityProbe) {}

  static async create(state: State, parts: StepParts, figure: SimilarityOfPairs): Promise<SimilarityFigure> {
    return new SimilarityFigure(await SimilarityProbe.create(state, parts, figure));
  }

  /** Runs the batch and draws it. `step` goes into the title. */
  async draw(
    step: number,
  ): Promise<{ readonly files: Readonly<Record<string, Uint8Array>>; readonly pairs: PairsDrawn }> {
    const { pairs, views } = await this.probe.look(step);
    const { similarity, positives, negatives } = pairs;
    const title = `step ${step}  positives ${positives.toFixed(2)}  negatives ${negatives.toFixed(2)}`;
    return {
      pairs,
      files: {
        similarity: similarityMatrix(similarity, views.length, { title }),
        pairs: pairGrid(views.map(({ rgb }) => rgb)),
      },
    };
  }

  destroy(): void {
    this.probe.destroy();
  }
}
