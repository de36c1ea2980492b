/** Images of which every process has those of a folder of its own: one set for all of them, of which each can read its part. */
import { UserError } from '../errors.ts';
import { counted } from '../io/counted.ts';
import type { Communicator } from '../mpi/communicator.ts';
import type { Dataset } from './dataset.ts';
import type { ImageSet } from './images.ts';
import type { ListedFile } from './inventory.ts';
import { sortByBytes } from './scan.ts';

/** What processes tell each other of a set. */
interface ToldSet {
  readonly count: number;
  readonly labels?: readonly number[] | undefined;
  readonly classNames?: readonly string[] | undefined;
}

/** And of what there is in a folder. */
interface Told {
  readonly kind: Dataset['kind'];
  readonly train: ToldSet;
  readonly probe?: { readonly train: ToldSet; readonly test: ToldSet } | undefined;
  readonly files: readonly ListedFile[];
  /** Files that could not be read. */
  readonly skipped: number;
}

const told = ({ count, labels, classNames }: ImageSet): ToldSet => ({
  ...{ count, classNames },
  labels: labels && Array.from(labels),
});

/**
 * The images of all processes one behind the other, those of rank 0 first. Numbers, labels and the list of files are the same on all;
 * pixels each process has of its own. To be called by all.
 *
 * @param data what to call the whole
 * @throws UserError, the same on all: folders of different kinds
 */
export async function unite(dataset: Dataset, ranks: Communicator, data: string): Promise<Dataset> {
  const { kind, train, probe, files } = dataset;
  const own: Told = {
    ...{ kind, files, train: told(train), skipped: train.skipped.length },
    ...(probe && { probe: { train: told(probe.train), test: told(probe.test) } }),
  };
  const all = (await ranks.collect(JSON.stringify(own))).map((text) => JSON.parse(text) as Told);
  const other = all.findIndex((one) => one.kind !== kind);
  if (other >= 0)
    throw new UserError(
      `${data}: some processes have folders of photos there and others STL-10's files; give all the same kind`,
    );
  const probes = all.flatMap((one) => one.probe ?? []);
  const set = (mine: ImageSet, parts: readonly ToldSet[]) => unitedSet(data, mine, parts, ranks.rank);
  const united = set(
    train,
    all.map((one) => one.train),
  );
  const probed = probe && probes.length === all.length;
  return {
    ...dataset,
    train: united,
    probe: probed
      ? {
          train: set(
            probe.train,
            probes.map((one) => one.train),
          ),
          test: set(
            probe.test,
            probes.map((one) => one.test),
          ),
        }
      : undefined,
    files: all.flatMap((one, rank) => one.files.map((listed) => ({ ...listed, file: `${rank}/${listed.file}` }))),
    description: described(data, all, probed ?? false),
  };
}

function described(data: string, all: readonly Told[], probed: boolean): string {
  const counts = all.map(({ train }) => train.count);
  const probes = probed ? '' : '; no probe: it needs labels, and a class of five photos, in the folders of all';
  const skipped = all.slice(1).reduce((sum, one) => sum + one.skipped, 0);
  const unread = skipped > 0 ? `; ${counted(skipped, 'unreadable file')} skipped by other processes than this` : '';
  const total = counts.reduce((sum, count) => sum + count, 0);
  return `${data}: ${counted(total, 'image')} of ${all.length} processes, ${counts.join(' + ')}${probes}${unread}`;
}

/** What a process knows of images that all have parts of. */
function unitedSet(name: string, own: ImageSet, all: readonly ToldSet[], rank: number): ImageSet {
  const parts = all.map(({ count }) => count);
  const first = parts.slice(0, rank).reduce((sum, count) => sum + count, 0);
  const count = parts.reduce((sum, part) => sum + part, 0);
  const { height, width, skipped } = own;
  return {
    ...{ name, count, parts, own, height, width, skipped },
    ...unitedLabels(all),
    read(i, target, offset) {
      if (i < first || i >= first + own.count)
        throw new UserError(
          `${name}: image ${i} is in the folder of another process; what looks at images of all processes needs one --data folder for all`,
        );
      own.read(i - first, target, offset);
    },
    close: () => own.close?.(),
  };
}

/** Classes are those of all parts, by their names where they have names; without labels in one part there are none. */
function unitedLabels(all: readonly ToldSet[]): Pick<ImageSet, 'labels' | 'classNames'> {
  if (!all.every(({ labels }) => labels)) return {};
  const names = all.every(({ classNames }) => classNames)
    ? sortByBytes([...new Set(all.flatMap(({ classNames }) => classNames!))])
    : undefined;
  const place = names && new Map(names.map((name, i) => [name, i]));
  const labels = all.flatMap((part) =>
    part.labels!.map((label) => (place ? place.get(part.classNames![label])! : label)),
  );
  return { labels: Uint16Array.from(labels), ...(names && { classNames: names }) };
}
