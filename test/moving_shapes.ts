/** Drawn video: two shapes with patterns of their own cross a background of two colours. Clips differ in shapes, colours, paths. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PNG } from 'pngjs';
import type { ImageSet } from '../src/data/images.ts';
import { rgbOfLab } from '../src/data/lab.ts';
import { type Random, random } from '../src/ssl/rng.ts';

type Point = readonly [x: number, y: number];

interface Shape {
  readonly from: Point;
  readonly speed: Point;
  readonly radius: number;
  readonly kind: 'disc' | 'square' | 'diamond';
  readonly ab: Point;
  readonly lightness: number;
  /** Stripes: waves over the shape, and their direction. */
  readonly stripes: Point;
}

/** Where something is that moves to and fro between two walls. */
function bounced(from: number, speed: number, t: number, low: number, high: number): number {
  const room = high - low;
  const way = (((from - low + speed * t) % (2 * room)) + 2 * room) % (2 * room);
  return low + (way > room ? 2 * room - way : way);
}

/** Away from grey, in any direction. */
function drawnAb(draw: Random): Point {
  const angle = 2 * Math.PI * draw.uniform();
  return [45 * Math.cos(angle), 45 * Math.sin(angle)];
}

function drawnShape(draw: Random, side: number): Shape {
  const radius = side * (0.14 + 0.08 * draw.uniform());
  const speed = (): number => side * (0.04 + 0.06 * draw.uniform()) * (draw.uniform() < 0.5 ? -1 : 1);
  const angle = Math.PI * draw.uniform();
  return {
    ...{ radius, speed: [speed(), speed()], kind: (['disc', 'square', 'diamond'] as const)[draw.below(3)] },
    from: [side * (0.25 + 0.5 * draw.uniform()), side * (0.25 + 0.5 * draw.uniform())],
    ...{ ab: drawnAb(draw), lightness: draw.uniform() < 0.5 ? 35 : 75 },
    stripes: [(2.5 / radius) * Math.cos(angle), (2.5 / radius) * Math.sin(angle)],
  };
}

const inside = ({ kind, radius }: Shape, x: number, y: number): boolean =>
  kind === 'disc'
    ? x * x + y * y < radius * radius
    : kind === 'square'
      ? Math.max(Math.abs(x), Math.abs(y)) < 0.85 * radius
      : Math.abs(x) + Math.abs(y) < 1.2 * radius;

interface Drawn {
  readonly rgb: Uint8Array;
  /** 1 where the shape in front is. */
  readonly mask: Uint8Array;
}

/** Frame t of a clip. */
function drawFrame(seed: number, clip: number, t: number, side: number): Drawn {
  const draw = random(seed, clip);
  const shapes = [drawnShape(draw, side), drawnShape(draw, side)];
  const background = { ab: [drawnAb(draw), drawnAb(draw)], turn: 2 * Math.PI * draw.uniform() };
  const rgb = new Uint8Array(3 * side * side);
  const mask = new Uint8Array(side * side);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const across = (x - side / 2) * Math.cos(background.turn) + (y - side / 2) * Math.sin(background.turn);
      let ab: Point = background.ab[Number(across > 0)].map((value) => 0.5 * value) as unknown as Point;
      let lightness = 55 + 5 * Math.sin((5 * x) / side) + (across > 0 ? 4 : -4);
      for (const [i, shape] of shapes.entries()) {
        const [dx, dy] = [x, y].map((at, axis) => {
          const { from, speed, radius } = shape;
          return at - bounced(from[axis], speed[axis], t, radius, side - radius);
        });
        if (!inside(shape, dx, dy)) continue;
        ab = shape.ab;
        lightness = shape.lightness + 10 * Math.sign(Math.sin(dx * shape.stripes[0] + dy * shape.stripes[1]));
        mask[y * side + x] = i;
      }
      const at = y * side + x;
      rgb.set(
        rgbOfLab([lightness, ab[0], ab[1]]).map((value) => Math.round(255 * value)),
        3 * at,
      );
    }
  return { rgb, mask };
}

/** A set of clips, in the order of their files' names, which is not that of time: `clip 0/frame 10.png` before `clip 0/frame 2.png`. */
export function movingShapes(
  clips: number,
  frames: number,
  side: number,
  seed = 1,
): ImageSet & { mask(i: number): Uint8Array } {
  const all = Array.from({ length: clips * frames }, (_, i) => ({ clip: Math.floor(i / frames), t: i % frames }));
  const named = all.map(({ clip, t }) => ({ file: `clip ${clip}/frame ${t}.png`, ...drawFrame(seed, clip, t, side) }));
  named.sort((a, b) => (a.file < b.file ? -1 : 1));
  return {
    ...{ name: 'moving shapes', count: named.length, height: side, width: side, skipped: [] },
    files: named.map(({ file }) => file),
    read: (i, target, offset) => target.set(named[i].rgb, offset),
    mask: (i) => named[i].mask,
  };
}

/** The same as PNG files in a folder of folders. */
export function writeMovingShapes(folder: string, ...size: Parameters<typeof movingShapes>): void {
  const set = movingShapes(...size);
  const rgb = new Uint8Array(3 * set.width * set.height);
  writePictures(folder, set, (i) => {
    set.read(i, rgb, 0);
    return png(rgb, set.width, 3);
  });
}

/** Their masks, white where the shape in front is, under the same names. */
export function writeShapeMasks(folder: string, ...size: Parameters<typeof movingShapes>): void {
  const set = movingShapes(...size);
  const white = (i: number) => set.mask(i).map((value) => 255 * value);
  writePictures(folder, set, (i) => png(white(i), set.width, 1));
}

function writePictures(folder: string, { files }: ImageSet, picture: (i: number) => Buffer): void {
  for (const [i, file] of files!.entries()) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, picture(i));
  }
}

/** A square picture of 1 or 3 channels as a PNG file. */
export function png(values: Uint8Array, side: number, channels: 1 | 3): Buffer {
  const picture = new PNG({ width: side, height: side });
  for (let at = 0; at < side * side; at++) {
    const [r, g, b] = [0, 1, 2].map((c) => values[channels * at + (channels === 3 ? c : 0)]);
    picture.data.set([r, g, b, 255], 4 * at);
  }
  return PNG.sync.write(picture);
}
