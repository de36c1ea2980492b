/** What the network is shown: two views of each of a few photos. */
import type { Pairs } from '../protocol.ts';
import { el } from './dom.ts';

/** More would be small, and say no more. */
const most = 8;

function picture({ rgba, size }: Pairs, index: number, label: string): HTMLCanvasElement {
  const canvas = el('canvas', { width: size, height: size, role: 'img', 'aria-label': label });
  const bytes = 4 * size * size;
  canvas
    .getContext('2d')!
    .putImageData(new ImageData(rgba.slice(index * bytes, (index + 1) * bytes), size, size), 0, 0);
  return canvas;
}

export class PairsPanel {
  readonly root: HTMLElement;
  private readonly list = el('ul', { class: 'pairs' });

  constructor() {
    const note =
      'Each photo is cropped, recoloured and blurred at random, twice. The network learns which two belong together.';
    this.root = el(
      'figure',
      { class: 'panel' },
      el('figcaption', {}, el('span', { class: 'figure-title' }, 'Pairs of views')),
      this.list,
      el('p', { class: 'note' }, note),
    );
    this.clear();
  }

  clear(): void {
    this.root.classList.add('waits');
    this.list.replaceChildren();
  }

  show(pairs: Pairs): void {
    this.root.classList.remove('waits');
    const shown = Array.from({ length: Math.min(most, pairs.count) }, (_, photo) =>
      el(
        'li',
        {},
        picture(pairs, photo, `Photo ${photo + 1}, view a`),
        picture(pairs, pairs.count + photo, `Photo ${photo + 1}, view b`),
      ),
    );
    this.list.replaceChildren(...shown);
  }
}
