/** All photos in a grid. Only those near the window exist as elements, so thousands cost no more than a hundred. */
import { el, oncePerFrame } from './dom.ts';
import { placeAfter } from './roving.ts';
import type { OpenPhotos } from './state.ts';
import { fillImage } from './thumbnails.ts';

/** Widths that a tile is between, and the gap, in CSS pixels. */
const least = { wide: 132, narrow: 92 };
const narrow = 600;
const gap = 6;
/** Rows beyond the window that are there before they are seen. */
const margin = 3;

export class PhotoGrid {
  private open: OpenPhotos | undefined;
  private readonly tiles = new Map<number, HTMLElement>();
  private columns = 1;
  /** Width and height of a tile. */
  private side = 0;
  /** The photo that Tab reaches. */
  private active = 0;
  private readonly draw = oncePerFrame(() => this.render());

  constructor(
    private readonly root: HTMLElement,
    private readonly onChoose: (photo: number) => void,
  ) {
    new ResizeObserver(() => this.resize()).observe(root);
    addEventListener('scroll', this.draw, { passive: true });
    root.addEventListener('click', ({ target }) => this.choose(target));
    root.addEventListener('keydown', (event) => this.move(event));
    root.addEventListener('focusin', ({ target }) => this.activate(this.photoOf(target), false));
  }

  /** Shows photos: where they are those that are shown, nothing is touched. */
  show(open: OpenPhotos): void {
    if (this.open?.photos === open.photos) return;
    this.open = open;
    this.active = 0;
    this.tiles.clear();
    this.root.replaceChildren();
    this.resize();
  }

  private get count(): number {
    return this.open?.photos.length ?? 0;
  }

  private resize(): void {
    const width = this.root.clientWidth;
    if (width === 0 || this.count === 0) return;
    const wanted = width < narrow ? least.narrow : least.wide;
    this.columns = Math.max(2, Math.floor((width + gap) / (wanted + gap)));
    this.side = (width + gap) / this.columns - gap;
    const rows = Math.ceil(this.count / this.columns);
    this.root.style.height = `${rows * (this.side + gap) - gap}px`;
    for (const [photo, tile] of this.tiles) this.place(tile, photo);
    this.render();
  }

  /** Photos in the rows near the window, and the one that has the focus wherever it is. */
  private wanted(): number[] {
    const { top } = this.root.getBoundingClientRect();
    const height = this.side + gap;
    const first = Math.max(0, Math.floor(-top / height) - margin) * this.columns;
    const end = Math.min(this.count, (Math.ceil((innerHeight - top) / height) + margin) * this.columns);
    const photos = new Set([this.active]);
    for (let photo = first; photo < end; photo++) photos.add(photo);
    return [...photos].sort((a, b) => a - b);
  }

  private render(): void {
    if (!this.open || this.side === 0 || this.root.clientWidth === 0) return;
    const wanted = this.wanted();
    const kept = new Set(wanted);
    for (const [photo, tile] of this.tiles) {
      if (kept.has(photo)) continue;
      tile.remove();
      this.tiles.delete(photo);
    }
    this.open.thumbnails.forget((photo) => !kept.has(photo));
    // In the order of the photos, as they are read aloud; what is in its place is not touched, and so keeps the focus.
    let next = this.root.firstChild;
    for (const photo of wanted) {
      const tile = this.tiles.get(photo) ?? this.make(photo);
      if (tile === next) next = next.nextSibling;
      else this.root.insertBefore(tile, next);
    }
  }

  private make(photo: number): HTMLElement {
    const { photos, thumbnails } = this.open!;
    const { name } = photos[photo];
    const image = el('img', { alt: '', decoding: 'async', draggable: 'false' });
    const button = el('button', {
      type: 'button',
      'aria-label': name,
      title: name,
      'data-photo': photo,
      tabindex: photo === this.active ? 0 : -1,
    });
    button.append(image);
    const tile = el('li', { 'aria-setsize': photos.length, 'aria-posinset': photo + 1 }, button);
    this.tiles.set(photo, tile);
    this.place(tile, photo);
    void fillImage(image, thumbnails, photo, 'tile');
    return tile;
  }

  private place(tile: HTMLElement, photo: number): void {
    const step = this.side + gap;
    tile.style.width = tile.style.height = `${this.side}px`;
    tile.style.left = `${(photo % this.columns) * step}px`;
    tile.style.top = `${Math.floor(photo / this.columns) * step}px`;
  }

  private photoOf(target: EventTarget | null): number | undefined {
    const button = target instanceof Element ? target.closest<HTMLElement>('[data-photo]') : null;
    return button ? Number(button.dataset['photo']) : undefined;
  }

  private choose(target: EventTarget | null): void {
    const photo = this.photoOf(target);
    if (photo !== undefined) this.onChoose(photo);
  }

  private move(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(innerHeight / (this.side + gap)) - 1);
    const photo = placeAfter(event.key, this.active, { columns: this.columns, count: this.count, page });
    if (photo === undefined) return;
    event.preventDefault();
    this.activate(photo, true);
  }

  private activate(photo: number | undefined, focus: boolean): void {
    if (photo === undefined || (photo === this.active && !focus)) return;
    this.buttonOf(this.active)?.setAttribute('tabindex', '-1');
    this.active = photo;
    this.render();
    const button = this.buttonOf(photo);
    button?.setAttribute('tabindex', '0');
    if (focus) button?.focus();
  }

  private buttonOf(photo: number): HTMLButtonElement | null | undefined {
    return this.tiles.get(photo)?.querySelector('button');
  }
}
