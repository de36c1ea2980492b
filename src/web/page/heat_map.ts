/** How similar the views of some photos are, as a matrix of colours: trained, it has two bright lines beside the diagonal. */
import { divergingColor } from '../../report/colormap.ts';
import type { Similarity } from '../protocol.ts';
import { el } from './dom.ts';
import { decimal, whole } from './format.ts';

/** A picture of one pixel for each value. */
function paint(
  canvas: HTMLCanvasElement,
  columns: number,
  rows: number,
  valueAt: (column: number, row: number) => number,
): void {
  Object.assign(canvas, { width: columns, height: rows });
  const picture = new ImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      picture.data.set([...divergingColor(valueAt(column, row)), 255], 4 * (row * columns + column));
    }
  }
  canvas.getContext('2d')!.putImageData(picture, 0, 0);
}

function legend(): HTMLElement {
  const bar = el('canvas', { 'aria-hidden': 'true' });
  paint(bar, 101, 1, (column) => column / 50 - 1);
  const ends = ['−1 opposite', '0', '1 the same'].map((text) => el('span', {}, text));
  return el('div', { class: 'legend' }, bar, el('p', {}, ...ends));
}

export class HeatMap {
  readonly root: HTMLElement;
  private readonly canvas = el('canvas', { role: 'img', class: 'heat' });
  private readonly readout = el('span', { class: 'readout' });
  private readonly means = el('p', { class: 'note' });
  private shown: Similarity | undefined;

  constructor() {
    const title = el('figcaption', {}, el('span', { class: 'figure-title' }, 'Similarity of views'), this.readout);
    this.root = el('figure', { class: 'panel' }, title, this.canvas, legend(), this.means);
    this.canvas.addEventListener('pointermove', (event) => this.point(event));
    this.canvas.addEventListener('pointerleave', () => this.say());
    this.clear();
  }

  clear(): void {
    this.shown = undefined;
    this.root.classList.add('waits');
    this.means.textContent = 'Rows and columns are two views of some photos. It appears before the first step.';
    this.readout.textContent = '';
  }

  show(similarity: Similarity): void {
    const { count, positives, negatives, step } = similarity;
    this.shown = similarity;
    this.root.classList.remove('waits');
    paint(this.canvas, 2 * count, 2 * count, (column, row) => similarity.similarity[row * 2 * count + column]);
    const words = `two views of a photo ${decimal(positives, 2)}, of different photos ${decimal(negatives, 2)}`;
    this.means.textContent = `On average: ${words}. The further apart, the more was learnt.`;
    this.canvas.setAttribute('aria-label', `Matrix of similarities after step ${step}: ${words}`);
    this.say();
  }

  private say(text = this.shown ? `step ${whole(this.shown.step)}` : ''): void {
    this.readout.textContent = text;
  }

  private point({ offsetX, offsetY }: PointerEvent): void {
    if (!this.shown) return;
    const { count, similarity } = this.shown;
    const side = 2 * count;
    const cell = (offset: number) =>
      Math.max(0, Math.min(side - 1, Math.floor((offset / this.canvas.clientWidth) * side)));
    const [row, column] = [cell(offsetY), cell(offsetX)];
    const view = (index: number) => `photo ${(index % count) + 1}, view ${index < count ? 'a' : 'b'}`;
    this.say(`${view(row)} · ${view(column)}: ${decimal(similarity[row * side + column], 2)}`);
  }
}
