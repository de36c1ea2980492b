/** What the encoder of a file takes. */
import { type DataKind, kindOf } from '../data/samples.ts';
import { UserError } from '../errors.ts';
import { firstMethod, methodIfKnown } from '../methods/index.ts';

/** What runs with these settings learn from; images where they name a method that this program does not know. */
export function kindOfSettings(settings: unknown): DataKind {
  const { method = firstMethod.name } = (settings ?? {}) as { readonly method?: unknown };
  return kindOf(methodIfKnown(String(method)) ?? {});
}

/** The same of a file by its metadata: images, unless it is the checkpoint of a run that learns from something else. */
export function kindInFile({ settings }: Readonly<Record<string, string>>): DataKind {
  try {
    return settings === undefined ? 'images' : kindOfSettings(JSON.parse(settings));
  } catch {
    return 'images'; // Whoever reads the settings tells that they are damaged.
  }
}

/** UserError: the encoder of a file takes no images. */
export function checkTakesImages(path: string, kind: DataKind): void {
  if (kind === 'images') return;
  const more = kind === 'texts' ? ', eval similarity, eval search' : '';
  throw new UserError(
    `${path}: its encoder takes ${kind}, and one that takes images is needed here; what there is for it: embed, eval linear, eval knn${more}`,
  );
}
