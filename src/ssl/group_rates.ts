/** Which rates each parameter of a group has: its part's, and without decay where biases and norms are left out of it. */
import type { Tensor } from '../graph/tensor.ts';
import type { RateRow, Rates } from '../optim/rates.ts';
import type { StepTime } from './feeds.ts';
import type { ParameterGroup, ScheduledRates } from './method.ts';
import type { OptimizerSettings } from './settings.ts';

/** Biases, and weights and biases of norms: parameters of one dimension. */
const isBiasOrNorm = ({ shape }: Tensor): boolean => shape.length <= 1;

/** Rows of rates: one for each part, or two where decay is not of all parameters. */
export class GroupRates {
  private readonly parts: readonly ScheduledRates[];
  private readonly partOf = new Map<Tensor, number>();
  private readonly excludes: boolean;

  constructor(group: ParameterGroup, { excludeBiasAndNorm = false }: Pick<OptimizerSettings, 'excludeBiasAndNorm'>) {
    const { parts = [] } = group;
    this.parts = [group, ...parts];
    this.excludes = excludeBiasAndNorm;
    const own = new Set(group.modules.flatMap(({ parameters }) => parameters.map(({ tensor }) => tensor)));
    for (const [index, { modules }] of parts.entries())
      for (const { tensor } of modules.flatMap(({ parameters }) => parameters)) {
        if (!own.has(tensor))
          throw new Error(`group '${group.name}': a part has ${tensor}, which the group does not have`);
        this.partOf.set(tensor, index + 1);
      }
  }

  /** The row of a parameter. */
  readonly rowOf: RateRow = (parameter) => {
    const part = this.partOf.get(parameter) ?? 0;
    return this.excludes ? 2 * part + Number(isBiasOrNorm(parameter)) : part;
  };

  /** The rows of a step, as many as an optimiser takes. */
  at(time: StepTime, scheduled: number, count: number): Rates[] {
    const rows = this.parts.flatMap(({ lr, weightDecay }): Rates[] => {
      const rates = { lr: lr?.(scheduled, time) ?? scheduled, ...(weightDecay && { weightDecay: weightDecay(time) }) };
      return this.excludes ? [rates, { ...rates, weightDecay: 0 }] : [rates];
    });
    return rows.slice(0, count);
  }
}
