/** Sets of sequences: stretches of series, from which windows of one length are taken. */
import { kindOf, type SampleSet } from './samples.ts';
import type { Series } from './series.ts';

/** A set of sequences of numbers, each at least as long as a window. */
export interface SequenceSet extends SampleSet {
  readonly data: 'sequences';
  /** Numbers of a frame: 1 of sound. */
  readonly channels: number;
  /** Frames in a second; undefined where nobody says. */
  readonly sampleRate?: number | undefined;
  /** Frames of sequence i. */
  length(i: number): number;
  /** Copies frames [first, first + count) of sequence i as [count, channels] to `target[offset …]`. Synchronous. */
  read(i: number, first: number, count: number, target: Float32Array, offset: number): void;
}

export const isSequenceSet = (set: SampleSet): set is SequenceSet => kindOf(set) === 'sequences';

/** A series and the name of its file. */
export interface NamedSeries {
  readonly file: string;
  readonly series: Series;
  /** Its class, from 0. */
  readonly label?: number | undefined;
}

/** Part of a series: frames [first, first + length). */
interface Stretch {
  readonly from: NamedSeries;
  readonly first: number;
  readonly length: number;
}

export type SetFacts = Pick<SequenceSet, 'name' | 'classNames' | 'skipped'>;

/** Each series whole: a sequence for each file. Error: there is none. */
export const wholeSequences = (facts: SetFacts, files: readonly NamedSeries[]): SequenceSet =>
  sequenceSet(
    facts,
    files.map((from) => ({ from, first: 0, length: from.series.length })),
  );

/**
 * Each series in as many stretches as it has whole windows. The places at which a window may begin are dealt out evenly, so stretches
 * overlap by what a window needs behind its first frame, and no window is in two of them. Error: there is no series.
 */
export const stretchesOf = (facts: SetFacts, files: readonly NamedSeries[], window: number): SequenceSet =>
  sequenceSet(
    facts,
    files.flatMap((from) => {
      const { length } = from.series;
      const [parts, places] = [Math.floor(length / window), length - window + 1];
      return Array.from({ length: parts }, (_, part) => {
        const [first, next] = [part, part + 1].map((i) => Math.floor((i * places) / parts));
        return { from, first, length: next - first + window - 1 };
      });
    }),
  );

function sequenceSet(facts: SetFacts, stretches: readonly Stretch[]): SequenceSet {
  const [{ from: any }] = stretches;
  const { channels, sampleRate } = any.series;
  const { classNames } = facts;
  const Labels = (classNames?.length ?? 0) <= 256 ? Uint8Array : Uint16Array;
  return {
    ...facts,
    ...{ data: 'sequences', count: stretches.length, channels, sampleRate },
    ...(classNames && { labels: Labels.from(stretches.map(({ from }) => from.label!)) }),
    files: stretches.map(({ from }) => from.file),
    length: (i) => stretches[i].length,
    read(i, first, count, target, offset) {
      const { from, first: start, length } = stretches[i];
      if (first < 0 || first + count > length)
        throw new RangeError(`[sequences] ${from.file}: frames ${first} to ${first + count} of ${length}`);
      from.series.read(start + first, count, target, offset);
    },
  };
}
