/** Which of the variants that were tried are to be trusted, and which one wins. */
/** What came of a variant. */
export interface Trial {
  readonly name: string;
  readonly kernels: ReadonlySet<string>;
  readonly sample: Float32Array;
  readonly milliseconds: number;
}

/**
 * The variants by which one is checked: those that run another kernel, for one kernel in blocks of several sizes goes wrong in all of
 * them alike where a driver does not do what it was written for; all others where there is none.
 */
export function witnesses(trial: Trial, trials: readonly Trial[]): readonly Trial[] {
  const others = trials.filter((other) => other !== trial);
  const lacks = (a: Trial, b: Trial): boolean => [...b.kernels].some((kernel) => !a.kernels.has(kernel));
  const independent = others.filter((other) => lacks(trial, other) && lacks(other, trial));
  return independent.length > 0 ? independent : others;
}

/** By how much times must differ for the difference to count. */
const margin = 1.05;

/** The fastest of these, or the one that the fixed table says if that is as fast but for chance; undefined of none. */
export function winner(right: readonly Pick<Trial, 'name' | 'milliseconds'>[], table: string): string | undefined {
  const best = Math.min(...right.map(({ milliseconds }) => milliseconds));
  const first = right.find(({ name, milliseconds }) => name === table && milliseconds <= margin * best);
  return (first ?? right.find(({ milliseconds }) => milliseconds === best))?.name;
}
