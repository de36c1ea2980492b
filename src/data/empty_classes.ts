/** Class folders in which there is nothing to see. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageSet } from './images.ts';
import { isHidden } from './photo_names.ts';
import type { SampleSet } from './samples.ts';

/**
 * Folders beside the class folders of a labelled set, without folders of their own, that no image, or other file, of the set comes from: they are
 * empty, or nothing in them can be read. `set.name` is the folder of the set.
 */
export function emptyClassFolders({
  name: root,
  files,
  labels,
}: Pick<SampleSet, 'name' | 'files' | 'labels'>): string[] {
  if (!files || !labels) return [];
  const used = new Set(files.map((file) => file.slice(0, file.indexOf('/'))));
  // Not the folder of a set: its photos were held out of another, which tells.
  const folders = foldersIn(root) ?? [];
  return folders.filter((name) => !used.has(name) && foldersIn(join(root, name))?.length === 0).sort();
}

/** Undefined where that cannot be told. */
function foldersIn(folder: string): string[] | undefined {
  try {
    const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return entries.map(({ name }) => name).filter((name) => !isHidden(name));
  } catch {
    return undefined;
  }
}

/** A labelled set without the classes that no image has; the others keep their order. */
export function withoutEmptyClasses(set: ImageSet): ImageSet {
  const { labels, classNames } = set;
  if (!labels || !classNames) return set;
  const used = new Set<number>(labels);
  if (used.size === classNames.length) return set;
  const kept = [...classNames.keys()].filter((label) => used.has(label));
  // A folder with one class has no labels.
  if (kept.length < 2) return { ...set, labels: undefined, classNames: undefined };
  const place = new Map(kept.map((label, i) => [label, i]));
  return {
    ...set,
    labels: labels.map((label) => place.get(label)!),
    classNames: kept.map((label) => classNames[label]),
  };
}
