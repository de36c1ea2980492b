/** The files that `simclr embed` writes. */
import { dirname, extname } from 'node:path';
import type { SampleSet } from '../data/samples.ts';
import { isTextSet } from '../data/texts.ts';
import { ensureWritableDir, writeFileAtomic } from '../io/files.ts';
import { npyPieces } from '../io/npy.ts';
import { nameList } from '../io/printable.ts';
import { type RowTableExtension, rowTableExtensions, rowTablePieces } from '../io/row_table.ts';

/** An array with a list of names, or a table. */
export const featureExtensions: readonly string[] = ['.npy', ...rowTableExtensions];

const extensionOf = (out: string): string => extname(out).toLowerCase();

/** Whether a file has a place for labels. */
export const holdsLabels = (out: string): boolean => extensionOf(out) !== '.npy';

/**
 * Writes features [count, dimensions] of a set, into a folder that is made where it is not there.
 * @returns lines for people: what was written
 */
export function writeFeatures(out: string, set: SampleSet, features: Float32Array): string[] {
  ensureWritableDir(dirname(out));
  return holdsLabels(out) ? writeTable(out, set, features) : writeArray(out, set, features);
}

/** The text of row i, or the path of its file; its number where it has neither, as images of STL-10 have. */
const nameIn =
  (set: SampleSet) =>
  (i: number): string =>
    isTextSet(set) ? set.texts[i][0] : (set.files?.[i] ?? String(i));

function writeArray(out: string, set: SampleSet, features: Float32Array): string[] {
  const list = `${out.replace(/\.npy$/i, '')}.txt`;
  const names = nameList(Array.from({ length: set.count }, (_, i) => nameIn(set)(i)));
  const shape = [set.count, features.length / set.count];
  writeFileAtomic(out, npyPieces(features, shape));
  writeFileAtomic(list, names);
  return [`${out}: float32 [${shape.join(', ')}]`, `${list}: the ${isTextSet(set) ? 'text' : 'file'} of each row`];
}

function writeTable(out: string, set: SampleSet, features: Float32Array): string[] {
  const { count, labels, classNames } = set;
  const name = isTextSet(set) ? 'text' : 'file';
  const texts = {
    [name]: nameIn(set),
    ...(labels && { label: (i: number) => classNames?.[labels[i]] ?? String(labels[i]) }),
  };
  const table = { count, texts, numbers: { values: features, columns: 'features' } };
  writeFileAtomic(out, rowTablePieces(extensionOf(out) as RowTableExtension, table));
  return [`${out}: ${Object.keys(texts).join(', ')} and ${features.length / count} features of each row`];
}
