/** A set of drawn photos with captions, of colours, shapes and places: `a red circle on the left`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { random } from '../src/ssl/rng.ts';

export const toyColours = { red: [220, 40, 40], green: [40, 180, 60], blue: [50, 80, 220], yellow: [225, 210, 50] };
export const toyShapes = ['circle', 'square'] as const;
export const toyPlaces = ['left', 'right'] as const;
type Colour = keyof typeof toyColours;
export const toyColourNames = Object.keys(toyColours) as Colour[];

interface Toy {
  readonly colour: Colour;
  readonly shape: (typeof toyShapes)[number];
  readonly place: (typeof toyPlaces)[number];
}

const toyOf = (i: number): Toy => ({
  colour: toyColourNames[i % 4],
  shape: toyShapes[Math.floor(i / 4) % 2],
  place: toyPlaces[Math.floor(i / 8) % 2],
});

export const toyCaption = ({ colour, shape, place }: Toy): string => `a ${colour} ${shape} on the ${place}`;

/** Photo i, of another size, height and grey of the background each. */
function draw(i: number, side: number): Buffer {
  const { colour, shape, place } = toyOf(i);
  const { uniform } = random(11, i);
  const radius = side * (0.14 + 0.08 * uniform());
  const x = side * (place === 'left' ? 0.27 : 0.73);
  const y = side * (0.3 + 0.4 * uniform());
  const grey = 60 + 120 * uniform();
  const png = new PNG({ width: side, height: side });
  for (let p = 0; p < side * side; p++) {
    const [dx, dy] = [Math.abs((p % side) + 0.5 - x), Math.abs(Math.floor(p / side) + 0.5 - y)];
    const inside = shape === 'circle' ? Math.hypot(dx, dy) < radius : Math.max(dx, dy) < 0.85 * radius;
    const rgb = inside ? toyColours[colour] : [grey, grey, grey];
    png.data.set([...rgb.map((value) => Math.min(255, Math.max(0, value + 24 * (uniform() - 0.5)))), 255], 4 * p);
  }
  return PNG.sync.write(png);
}

/** Writes `count` photos into folders by colour, and captions.csv beside them. Returns what is said of each, by file. */
export function writeCaptioned(folder: string, count: number, side = 32): Map<string, string> {
  const captions = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    const toy = toyOf(i);
    const file = `${toy.colour}/${String(i).padStart(4, '0')}.png`;
    mkdirSync(join(folder, toy.colour), { recursive: true });
    writeFileSync(join(folder, file), draw(i, side));
    captions.set(file, toyCaption(toy));
  }
  const rows = Array.from(captions, ([file, text]) => `${file},"${text}"\n`);
  writeFileSync(join(folder, 'captions.csv'), `file,text\n${rows.join('')}`);
  return captions;
}
