/** The loss over the steps, beside the line of guessing. An SVG: it takes the colours of the page, light or dark, from the style sheet. */
import { roundStep, roundTicks } from '../../report/plot_ticks.ts';
import { el, oncePerFrame, svg } from './dom.ts';
import { decimal, short, whole } from './format.ts';
import { type History, smoothed } from './history.ts';

const height = 240;
const room = { top: 14, right: 14, bottom: 30, left: 44 };

interface Scales {
  readonly x: (step: number) => number;
  readonly y: (loss: number) => number;
  readonly width: number;
  readonly range: readonly [least: number, most: number];
  readonly steps: number;
}

const path = (points: readonly (readonly [x: number, y: number])[]): string =>
  points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

export class LossChart {
  readonly root: HTMLElement;
  private readonly drawing = svg('svg', { role: 'img', class: 'loss', height });
  private readonly readout = el('span', { class: 'readout' });
  private steps = 1;
  private chance: number | undefined;
  private pointed: number | undefined;
  private readonly draw = oncePerFrame(() => this.render());

  constructor(private readonly history: History) {
    const title = el('figcaption', {}, el('span', { class: 'figure-title' }, 'Loss'), this.readout);
    const key = el(
      'p',
      { class: 'key' },
      el('span', { class: 'key-line' }, 'mean of some steps'),
      el('span', { class: 'key-range' }, 'each step'),
      el('span', { class: 'key-chance' }, 'guessing'),
    );
    this.root = el('figure', { class: 'panel' }, title, this.drawing, key);
    new ResizeObserver(this.draw).observe(this.drawing);
    this.drawing.addEventListener('pointermove', ({ clientX }) => this.point(clientX));
    this.drawing.addEventListener('pointerleave', () => this.point(undefined));
  }

  /** @param steps of the whole training @param chance the loss of guessing, where there is such a thing */
  begin(steps: number, chance: number | undefined): void {
    Object.assign(this, { steps, chance });
    this.draw();
  }

  /** The history has grown. */
  update(): void {
    this.draw();
  }

  private scales(): Scales | undefined {
    const width = this.drawing.clientWidth;
    if (width === 0 || this.history.length === 0) return undefined;
    const buckets = this.history.buckets(width);
    const values = [
      ...buckets.flatMap(({ least, most }) => [least, most]),
      ...(this.chance === undefined ? [] : [this.chance]),
    ];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const space = Math.max(0.02, (high - low) * 0.08);
    const range = [Math.max(0, low - space), high + space] as const;
    const inner = { width: width - room.left - room.right, height: height - room.top - room.bottom };
    const x = (step: number) => room.left + ((step - 1) / Math.max(1, this.steps - 1)) * inner.width;
    const y = (loss: number) => room.top + ((range[1] - loss) / (range[1] - range[0])) * inner.height;
    return { x, y, width, range, steps: this.steps };
  }

  private render(): void {
    const scales = this.scales();
    const { history, chance } = this;
    this.root.classList.toggle('waits', !scales);
    if (!scales) {
      this.drawing.replaceChildren();
      this.readout.textContent = '';
      return;
    }
    const last = history.at(history.length);
    const guessing = chance === undefined ? '' : `; guessing has ${decimal(chance, 2)}`;
    this.drawing.setAttribute('aria-label', `Loss ${decimal(last, 2)} after ${whole(history.length)} steps${guessing}`);
    this.drawing.replaceChildren(...this.axes(scales), ...this.lines(scales), ...this.pointer(scales));
  }

  private axes({ x, y, width, range, steps }: Scales): SVGElement[] {
    // Half as many as a printed chart has: it is a third as high.
    const across = roundTicks(range[0], range[1], 2 * roundStep(range[1] - range[0]));
    const digits = range[1] - range[0] < 1 ? 2 : 1;
    const along = roundTicks(0, steps, Math.max(1, roundStep(steps * Math.max(1, 640 / width)))).filter(
      (step) => step > 0,
    );
    return [
      ...across.map((value) =>
        svg('line', { class: 'rule', x1: room.left, x2: width - room.right, y1: y(value), y2: y(value) }),
      ),
      ...across.map((value) =>
        svg('text', { class: 'tick', x: room.left - 8, y: y(value) + 4, 'text-anchor': 'end' }, decimal(value, digits)),
      ),
      ...along.map((step) =>
        svg('text', { class: 'tick', x: x(step), y: height - 10, 'text-anchor': 'middle' }, short(step)),
      ),
    ];
  }

  private lines({ x, y, width }: Scales): SVGElement[] {
    const buckets = this.history.buckets(Math.max(60, Math.floor(width / 2)));
    const upper = buckets.map(({ step, most }) => [x(step), y(most)] as const);
    const lower = buckets.map(({ step, least }) => [x(step), y(least)] as const).reverse();
    const means = smoothed(
      buckets.map(({ mean }) => mean),
      Math.min(0.92, buckets.length / (buckets.length + 12)),
    );
    const middle = buckets.map(({ step }, i) => [x(step), y(means[i])] as const);
    const [endX, endY] = middle.at(-1)!;
    const chance = this.chance === undefined ? [] : [this.chance];
    return [
      svg('path', { class: 'each', d: `${path([...upper, ...lower])}Z` }),
      svg('path', { class: 'each-line', d: path(buckets.map(({ step, mean }) => [x(step), y(mean)])) }),
      ...chance.map((value) =>
        svg('line', { class: 'chance', x1: room.left, x2: width - room.right, y1: y(value), y2: y(value) }),
      ),
      svg('path', { class: 'mean', d: path(middle) }),
      svg('circle', { class: 'end', cx: endX, cy: endY, r: 4 }),
    ];
  }

  private point(clientX: number | undefined): void {
    this.pointed = clientX;
    this.draw();
  }

  /** The loss at the pointer, or the last. */
  private pointer({ x, y, width, steps }: Scales): SVGElement[] {
    const { history, pointed } = this;
    let step = history.length;
    if (pointed !== undefined) {
      const share =
        (pointed - this.drawing.getBoundingClientRect().left - room.left) / (width - room.left - room.right);
      step = Math.max(1, Math.min(history.length, Math.round(1 + share * (steps - 1))));
    }
    this.readout.textContent = `${decimal(history.at(step), 3)} at step ${whole(step)}`;
    if (pointed === undefined) return [];
    const at = { x1: x(step), x2: x(step), y1: room.top, y2: height - room.bottom };
    return [
      svg('line', { class: 'hair', ...at }),
      svg('circle', { class: 'dot', cx: x(step), cy: y(history.at(step)), r: 4 }),
    ];
  }
}
