/** All photos in the plane, similar ones close to each other. */
import type { MapLayout } from '../protocol.ts';
import { attempt, setActivity } from './actions.ts';
import { afterPause, byId, el, oncePerFrame } from './dom.ts';
import { counted } from './format.ts';
import { drawMap, markRadius } from './map_drawing.ts';
import { listenToGestures } from './map_gestures.ts';
import { needs } from './search_view.ts';
import type { App, State } from './state.ts';
import { fillImage } from './thumbnails.ts';
import { fitting, moved, nearest, type Viewport, zoomed } from './viewport.ts';
import { shownView } from './views.ts';

const layouts: readonly (readonly [layout: MapLayout, label: string, about: string])[] = [
  ['pca', 'PCA', 'The two directions in which the photos differ most. Quick, and the same every time.'],
  ['tsne', 't-SNE', 'Keeps neighbours together: groups show, distances between groups say little. Takes longer.'],
];

/** Pixels around a dot in which the pointer finds it. */
const reach = 14;
const keys =
  'Arrow keys move the map, + and − zoom, 0 shows all; the photo nearest to the middle is named, Enter finds similar ones.';

class MapView {
  private positions = new Float32Array();
  private view: Viewport | undefined;
  /** The scale at which all fits. */
  private whole = 1;
  /** The user has moved it: it does not fit itself any more. */
  private touched = false;
  private current: number | undefined;
  private layout: MapLayout = 'pca';
  /** The encoder's version and the layout of the map that is shown or under way. */
  private shown = '';
  private readonly canvas = el('canvas', {
    tabindex: 0,
    role: 'application',
    'aria-roledescription': 'map',
    'aria-describedby': 'map-keys',
  });
  private readonly card = el('div', { class: 'card-photo', hidden: true });
  private readonly about = el('p', { class: 'note' });
  /** In place of the photos until there is a map. */
  private readonly wait = el('p', { class: 'map-wait', hidden: true });
  private readonly pictures = el('input', { type: 'checkbox', id: 'map-pictures', checked: true });
  private readonly redraw = oncePerFrame(() => this.draw());
  private readonly tell = afterPause(() => this.announce(), 500);

  constructor(private readonly app: App) {
    const frame = el('div', { class: 'map-frame' }, this.canvas, this.wait, this.card, this.buttons());
    byId('map-body').append(this.toolbar(), frame, el('p', { class: 'note', id: 'map-keys' }, keys));
    listenToGestures(this.canvas, {
      pan: (right, down) => this.change((view) => moved(view, right, down)),
      zoom: (factor, x, y) => this.change((view) => zoomed(view, factor, this.whole, x, y)),
      fit: () => this.fit(),
      hover: (place) => this.point(place && this.find(...place)),
      choose: (x, y) => this.choose(this.find(x, y)),
      chooseMiddle: () => this.choose(this.current ?? this.middle()),
    });
    this.canvas.addEventListener('focus', () => this.canvas.matches(':focus-visible') && this.nameMiddle());
    this.canvas.addEventListener('blur', () => this.point(undefined));
    this.canvas.addEventListener('keyup', ({ key }) => key !== 'Tab' && this.nameMiddle());
    new ResizeObserver(() => this.resize()).observe(this.canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', this.redraw);
    app.client.on('map-progress', ({ done, total, positions }) => this.progress(done / total, positions));
    app.store.watch(['open', 'encoder', 'version'], (state) => this.refresh(state));
    app.store.watch(['busy'], (state) => this.showWait(state));
  }

  /** The view is shown: draws the map if there is none of this encoder. */
  show(): void {
    this.refresh(this.app.store.value);
    this.redraw();
  }

  private toolbar(): HTMLElement {
    const radios = layouts.map(([layout, label]) => {
      const input = el('input', { type: 'radio', name: 'layout', value: layout, checked: layout === this.layout });
      input.addEventListener('change', () => {
        this.layout = layout;
        this.refresh(this.app.store.value);
      });
      return el('label', {}, input, el('span', {}, label));
    });
    this.pictures.addEventListener('change', this.redraw);
    return el(
      'div',
      { class: 'toolbar' },
      el('fieldset', { class: 'segments' }, el('legend', { class: 'unheard' }, 'Layout'), ...radios),
      el('label', { class: 'check' }, this.pictures, 'Pictures'),
      this.about,
    );
  }

  private buttons(): HTMLElement {
    const button = (label: string, sign: string, onclick: () => void) =>
      el('button', { type: 'button', 'aria-label': label, title: label, onclick }, sign);
    const zoom = (factor: number) => () => this.change((view) => zoomed(view, factor, this.whole));
    return el(
      'div',
      { class: 'map-buttons' },
      button('Larger', '+', zoom(1.4)),
      button('Smaller', '−', zoom(1 / 1.4)),
      button('Fit all photos', 'Fit', () => this.fit()),
    );
  }

  private refresh({ open, encoder, version, found }: State): void {
    const can = open !== undefined && encoder !== undefined;
    byId('map-empty').hidden = can;
    byId('map-body').hidden = !can;
    if (!can) {
      byId('map-empty').replaceChildren(...needs(open, 'map'));
      this.shown = '';
      return;
    }
    if (this.positions.length !== 2 * open.photos.length) {
      this.positions = new Float32Array();
      this.point(undefined);
    }
    const framed = found.length > 0 ? ' Framed: what was searched with, and found, last.' : '';
    this.about.textContent = layouts.find(([layout]) => layout === this.layout)![2] + framed;
    this.canvas.setAttribute('aria-label', `Map of ${counted(open.photos.length, 'photo')}`);
    if (shownView() === 'map' && this.shown !== `${version} ${this.layout}`) void this.make();
  }

  private showWait({ busy }: Pick<State, 'busy'>): void {
    const trains = busy.has('train') || busy.has('continue');
    this.wait.hidden = !busy.has('map') || this.positions.length > 0;
    this.wait.textContent = trains ? 'The map comes behind the next step of the training …' : 'Looking at the photos …';
  }

  private async make(): Promise<void> {
    const { app, layout } = this;
    const { version } = app.store.value;
    const key = `${version} ${layout}`;
    this.shown = key;
    this.touched = false;
    this.point(undefined);
    const activity = { label: 'Drawing the map', stop: layout === 'tsne' ? 'Stop' : undefined };
    const map = await attempt(app, { place: 'map', during: 'map', activity }, () =>
      app.client.request({ type: 'map', layout }),
    );
    if (this.shown !== key) return;
    if (!map) this.shown = '';
    else this.take(map.positions);
  }

  private progress(done: number, positions: Float32Array | undefined): void {
    const label = positions ? 'Arranging the map' : 'Looking at the photos';
    setActivity(this.app, 'map', { label, done, stop: this.layout === 'tsne' ? 'Stop' : undefined });
    if (positions) this.take(positions);
  }

  private take(positions: Float32Array): void {
    this.positions = new Float32Array(positions);
    this.showWait(this.app.store.value);
    if (this.touched) this.redraw();
    else this.fit();
  }

  private fit(): void {
    const { clientWidth, clientHeight } = this.canvas;
    if (clientWidth === 0) return;
    this.view = fitting(this.positions, clientWidth, clientHeight);
    this.whole = this.view.scale;
    this.touched = false;
    this.redraw();
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!this.view || !this.touched) this.fit();
    else this.view = { ...this.view, width, height };
    this.redraw();
  }

  private change(to: (view: Viewport) => Viewport): void {
    if (!this.view) return;
    this.view = to(this.view);
    this.touched = true;
    this.redraw();
  }

  private get picture() {
    const { open, found } = this.app.store.value;
    const { positions, current } = this;
    const thumbnails = this.pictures.checked ? open?.thumbnails : undefined;
    return { positions, view: this.view!, thumbnails, current, marked: found };
  }

  private draw(): void {
    const { open } = this.app.store.value;
    if (!this.view || !open || this.canvas.clientWidth === 0 || this.positions.length !== 2 * open.photos.length)
      return;
    drawMap(this.canvas, this.picture, this.redraw);
  }

  private find(x: number, y: number): number | undefined {
    if (!this.view) return undefined;
    const radius = this.pictures.checked ? Math.max(reach, markRadius(this.picture) * 1.2) : reach;
    return nearest(this.view, this.positions, x, y, radius);
  }

  private middle(): number | undefined {
    return this.view && nearest(this.view, this.positions, this.view.width / 2, this.view.height / 2);
  }

  private nameMiddle(): void {
    this.point(this.middle());
    this.tell();
  }

  private announce(): void {
    const { open } = this.app.store.value;
    if (this.current !== undefined && open) this.app.announce(open.photos[this.current].name);
  }

  private point(photo: number | undefined): void {
    if (photo === this.current) return;
    this.current = photo;
    this.canvas.classList.toggle('on-photo', photo !== undefined);
    this.showCard(photo);
    this.redraw();
  }

  private showCard(photo: number | undefined): void {
    const { open } = this.app.store.value;
    this.card.hidden = photo === undefined;
    if (photo === undefined || !open) return;
    const image = el('img', { alt: '' });
    this.card.replaceChildren(
      el('span', { class: 'frame' }, image),
      el('span', { class: 'name' }, open.photos[photo].name),
    );
    void fillImage(image, open.thumbnails, photo);
  }

  private choose(photo: number | undefined): void {
    if (photo !== undefined) this.app.search(photo);
  }
}

/** Makes the view work. */
export function mapView(app: App): { show(): void } {
  const view = new MapView(app);
  return { show: () => view.show() };
}
