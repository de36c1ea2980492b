/** Draws the map: a dot or a small picture for each photo. */
import { fitCanvas } from './dom.ts';
import type { Thumbnails } from './thumbnails.ts';
import { onCanvas, type Viewport } from './viewport.ts';

/** What is drawn. */
export interface MapPicture {
  /** x and y of each photo. */
  readonly positions: Float32Array;
  readonly view: Viewport;
  /** Small pictures in place of dots. */
  readonly thumbnails: Thumbnails | undefined;
  /** The photo that is pointed at. */
  readonly current: number | undefined;
  /** Photos that are marked: the one that was searched with first, then those that were found. */
  readonly marked: readonly number[];
}

/** Half the side of a small picture in pixels: more room, larger pictures. */
export function markRadius({ view, positions }: Pick<MapPicture, 'view' | 'positions'>): number {
  const photos = Math.max(1, positions.length / 2);
  // As if the photos were spread over the square from −1 to 1: the side of the place that each has.
  const place = (2 * view.scale) / Math.sqrt(photos);
  return Math.max(9, Math.min(36, place * 0.5));
}

const dotRadius = (photos: number): number => (photos > 2000 ? 3 : photos > 400 ? 4 : 5.5);

interface Colors {
  readonly dot: string;
  readonly accent: string;
  readonly ground: string;
  readonly marked: string;
}

function colorsOf(canvas: HTMLElement): Colors {
  const style = getComputedStyle(canvas);
  const color = (name: string) => style.getPropertyValue(name).trim();
  return { dot: color('--dot'), accent: color('--accent'), ground: color('--surface'), marked: color('--chance') };
}

/** @param onReady is called when a small picture has been made that was not there yet */
export function drawMap(canvas: HTMLCanvasElement, picture: MapPicture, onReady: () => void): void {
  const { context, width, height } = fitCanvas(canvas);
  const { positions, view, thumbnails, current, marked } = picture;
  const colors = colorsOf(canvas);
  const count = positions.length / 2;
  const radius = thumbnails ? markRadius(picture) : dotRadius(count);
  context.clearRect(0, 0, width, height);

  const dot = (x: number, y: number, size: number): void => {
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
    context.fill();
  };
  const draw = (photo: number, size: number, ring?: string): void => {
    const [x, y] = onCanvas(view, positions[2 * photo], positions[2 * photo + 1]);
    if (x < -size || y < -size || x > width + size || y > height + size) return;
    const mark = thumbnails?.mark(photo, onReady);
    if (ring !== undefined) context.fillStyle = ring;
    if (!mark) {
      if (ring === undefined) context.fillStyle = colors.dot;
      dot(x, y, thumbnails ? dotRadius(count) : size);
      return;
    }
    if (ring !== undefined) context.fillRect(x - size - 3, y - size - 3, 2 * size + 6, 2 * size + 6);
    context.drawImage(mark, x - size, y - size, 2 * size, 2 * size);
  };

  const special = new Set([...marked, ...(current === undefined ? [] : [current])]);
  for (let photo = 0; photo < count; photo++) if (!special.has(photo)) draw(photo, radius);
  for (const photo of [...marked].reverse()) draw(photo, radius * (thumbnails ? 1 : 1.35), colors.marked);
  if (current !== undefined) draw(current, thumbnails ? Math.max(radius * 1.25, 26) : radius * 1.7, colors.accent);
}
