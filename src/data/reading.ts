/** What is found while a data folder is read. */
import { join } from 'node:path';
import { Exclusions } from './exclude.ts';
import { loadPhotos, type PhotoOptions } from './folder.ts';
import type { ImageSet, OnProgress } from './images.ts';
import type { ListedFile } from './inventory.ts';
import type { LeftOut } from './scan.ts';

interface ReadingOptions {
  readonly size: number;
  readonly probe?: boolean;
  readonly labels?: boolean;
  readonly exclude?: readonly string[] | undefined;
  readonly onProgress?: OnProgress;
}

/** Loads photos of a data folder, and keeps what was found there. */
export class Reading {
  readonly files: ListedFile[] = [];
  readonly leftOut: LeftOut[] = [];
  readonly exclusions: Exclusions;
  /** Whether anybody asks for a probe. */
  readonly probed: boolean;
  /** Whether anybody asks for labels. */
  readonly labelled: boolean;

  constructor(
    private readonly path: string,
    private readonly options: ReadingOptions,
  ) {
    this.exclusions = new Exclusions(options.exclude);
    this.probed = options.probe !== false;
    this.labelled = options.labels ?? this.probed;
  }

  /** @param part folder of a split; '': the data folder itself */
  photos(part: string, more: Partial<PhotoOptions> = {}): Promise<ImageSet> {
    const { size, onProgress } = this.options;
    const inData = (path: string) => (part === '' ? path : `${part}/${path}`);
    return loadPhotos(join(this.path, part), {
      ...{ size, onProgress, labels: this.labelled ? 'auto' : 'none' },
      excludes: (path) => this.exclusions.has(inData(path)),
      onFound: (files, leftOut) => {
        for (const { file, bytes } of files) this.files.push({ file: inData(file), bytes });
        for (const { path, why } of leftOut) this.leftOut.push({ path: inData(path), why });
      },
      ...more,
    });
  }
}
