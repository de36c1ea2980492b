/** Photos without labels for fine-tuning with a consistency loss: those that a folder has, and training photos whose labels are not used. */
import { concat, type ImageSet, subset } from '../data/images.ts';
import { UserError } from '../errors.ts';
import type { SupervisedSettings } from '../train/supervised_settings.ts';
import type { Evaluation } from './evaluation.ts';
import type { LabelledSets } from './labelled_sets.ts';

interface Training {
  readonly supervised: SupervisedSettings;
}

/** For the labelled rows that a training uses, the photos that it may learn from beside them; nothing where it asks for none. */
export type Unlabelled = (used: ArrayLike<number>) => { readonly unlabelled?: ImageSet };

/**
 * Opens what is there beside the labelled sets, never the test images.
 * @throws UserError, of what is returned: there are none
 */
export async function unlabelledBeside(
  evaluation: Evaluation,
  { path, train }: LabelledSets,
  { supervised }: Training,
): Promise<Unlabelled> {
  if (supervised.consistency === 0) return () => ({});
  const beside = await evaluation.unlabelled(path);
  return (used) => {
    const taken = new Set(Array.from(used));
    const rest = Uint32Array.from(Array.from({ length: train.count }, (_, i) => i).filter((i) => !taken.has(i)));
    const { labels, ...left } = subset(train, rest);
    if (!beside && rest.length === 0) throw withoutPhotos(path);
    if (!beside) return { unlabelled: left };
    return { unlabelled: rest.length === 0 ? beside : concat(`${path} (without labels)`, beside, left) };
  };
}

const withoutPhotos = (path: string): UserError =>
  new UserError(
    `${path}: has no photos without labels, which --consistency needs; put some into unlabeled/ beside train/, or use a part of the labels: eval low-label --finetune`,
  );

/** Under a table: what was learnt without labels. */
export function consistencyNotes({ supervised }: Training, photos: readonly number[]): string[] {
  const { consistency: weight, consistencyTemperature: τ, consistencyThreshold: β, signalAnnealing } = supervised;
  if (weight === 0) return [];
  const [least, most] = [Math.min(...photos), Math.max(...photos)];
  const annealed = signalAnnealing === 'none' ? '' : `, ${signalAnnealing} signal annealing`;
  return [
    `consistency loss (UDA): weight ${weight}, τ ${τ}, β ${β}${annealed}; ${least === most ? most : `${least} to ${most}`} photos without labels: ` +
      'unlabelled ones of the folder, and training photos whose labels were not used',
  ];
}
