/** Small pictures of the photos, made when they are first seen. */
import type { Photo } from '../protocol.ts';

/** Height and width in pixels: sharp in the grid on a fine screen. */
const side = 256;
/** Those on the map. */
const markSide = 72;
/** Browsers decode on threads of their own; more at once would only fill the memory with large photos. */
const atOnce = 4;

interface Made {
  readonly url: string;
  readonly blob: Blob;
}

/**
 * What a picture is for: something that is looked at now; a tile of the grid, which comes and goes, and it is given up with it; a mark on
 * the map, which waits for all others, as there is one for each photo.
 */
type Purpose = 'shown' | 'tile' | 'mark';

interface Task {
  readonly index: number;
  readonly purpose: Purpose;
  readonly resolve: (made: Made | undefined) => void;
}

/** The square in the middle of a picture. */
function middle({ width, height }: ImageBitmap): [x: number, y: number, side: number] {
  const least = Math.min(width, height);
  return [(width - least) / 2, (height - least) / 2, least];
}

export class Thumbnails {
  private readonly made = new Map<number, Made>();
  private readonly marks = new Map<number, ImageBitmap>();
  /** Marks that are being made. */
  private readonly marking = new Set<number>();
  private waiting: Task[] = [];
  private running = 0;
  private closed = false;

  constructor(private readonly photos: readonly Photo[]) {}

  /** The address of a photo's picture, if it was made. */
  known(index: number): string | undefined {
    return this.made.get(index)?.url;
  }

  /** The address of a photo's picture; undefined if it was given up because nobody sees it, or cannot be read any more. */
  async url(index: number, purpose: Purpose = 'shown'): Promise<string | undefined> {
    return (await this.get(index, purpose))?.url;
  }

  /** Gives up what waits for tiles of the grid that are gone. */
  forget(unwanted: (index: number) => boolean): void {
    this.drop(({ purpose, index }) => purpose === 'tile' && unwanted(index));
  }

  /** A tiny picture for a canvas; undefined until it is there, when `onReady` is called. */
  mark(index: number, onReady: () => void): ImageBitmap | undefined {
    const known = this.marks.get(index);
    if (known || this.marking.has(index)) return known;
    // One that fails stays among these: it would fail again in each frame.
    this.marking.add(index);
    void this.makeMark(index, onReady);
    return undefined;
  }

  /** Frees everything. */
  close(): void {
    this.closed = true;
    this.drop(() => true);
    for (const { url } of this.made.values()) URL.revokeObjectURL(url);
    for (const mark of this.marks.values()) mark.close();
    this.made.clear();
    this.marks.clear();
  }

  private get(index: number, purpose: Purpose): Promise<Made | undefined> {
    const known = this.made.get(index);
    if (known) return Promise.resolve(known);
    return new Promise((resolve) => {
      this.waiting.push({ index, purpose, resolve });
      this.next();
    });
  }

  private drop(unwanted: (task: Task) => boolean): void {
    const gone = this.waiting.filter(unwanted);
    this.waiting = this.waiting.filter((task) => !gone.includes(task));
    for (const { resolve } of gone) resolve(undefined);
  }

  private next(): void {
    if (this.running >= atOnce || this.waiting.length === 0) return;
    const first = Math.max(
      0,
      this.waiting.findIndex(({ purpose }) => purpose !== 'mark'),
    );
    const [task] = this.waiting.splice(first, 1);
    this.running++;
    void this.make(task.index)
      .catch(() => undefined)
      .then((made) => {
        this.running--;
        task.resolve(made);
        this.next();
      });
  }

  private async make(index: number): Promise<Made | undefined> {
    const known = this.made.get(index);
    if (known) return known;
    const bitmap = await createImageBitmap(this.photos[index].file, { imageOrientation: 'from-image' });
    const [x, y, least] = middle(bitmap);
    const size = Math.min(side, least);
    const canvas = new OffscreenCanvas(size, size);
    const context = canvas.getContext('2d')!;
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, x, y, least, least, 0, 0, size, size);
    bitmap.close();
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 });
    if (this.closed) return undefined;
    const made = this.made.get(index) ?? { url: URL.createObjectURL(blob), blob };
    this.made.set(index, made);
    return made;
  }

  private async makeMark(index: number, onReady: () => void): Promise<void> {
    const made = await this.get(index, 'mark');
    if (!made) return;
    const size = { resizeWidth: markSide, resizeHeight: markSide, resizeQuality: 'high' } as const;
    const mark = await createImageBitmap(made.blob, size);
    if (this.closed) return mark.close();
    this.marks.set(index, mark);
    onReady();
  }
}

/** Gives an image a photo's picture as soon as it is there; one that cannot be read any more is marked as gone. */
export async function fillImage(
  image: HTMLImageElement,
  thumbnails: Thumbnails,
  photo: number,
  purpose: Purpose = 'shown',
): Promise<void> {
  const url = thumbnails.known(photo) ?? (await thumbnails.url(photo, purpose));
  if (url !== undefined) image.src = url;
  else if (image.isConnected) image.parentElement?.classList.add('gone');
}
