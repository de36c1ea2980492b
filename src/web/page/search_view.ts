/** The photos most similar to one of them, or to any other picture. */
import type { Neighbour, Query } from '../protocol.ts';
import { attempt, setTrouble } from './actions.ts';
import { byId, el } from './dom.ts';
import { dragsFiles, isPicture } from './files.ts';
import { counted } from './format.ts';
import { resultList } from './results.ts';
import type { App, OpenPhotos, State } from './state.ts';
import { goTo, shownView } from './views.ts';

const counts = [12, 24, 48, 96] as const;

class SearchView {
  private query: number | File | undefined;
  /** The picture that was chosen last: the way back may lead to it. */
  private picture: File | undefined;
  private pictures = 0;
  /** What is shown, so that it is not searched for again: the encoder's version, the query and how many. */
  private shown = '';
  private asked = 0;
  /** The address of the query's picture, given back when another takes its place. */
  private url = '';
  private readonly image = el('img', { alt: '' });
  private readonly frame = el('div', { class: 'query-photo' }, this.image);
  private readonly name = el('p', { class: 'query-name' });
  private readonly status = el('p', { class: 'note' });
  private readonly results = resultList((photo) => this.app.search(photo));
  private readonly input = el('input', { type: 'file', accept: 'image/*', hidden: true });
  private readonly count = el('select', {}, ...counts.map((count) => el('option', { value: count }, String(count))));

  constructor(private readonly app: App) {
    const choose = el('button', { type: 'button' }, 'Another picture …');
    choose.addEventListener('click', () => this.input.click());
    this.input.addEventListener('change', () => {
      const [file] = this.input.files ?? [];
      this.input.value = '';
      if (file) this.takeFile(file);
    });
    this.image.addEventListener('error', () => this.frame.classList.add('gone'));
    this.count.value = String(counts[1]);
    this.count.addEventListener('change', () => void this.run());
    this.layOut(choose);
    addEventListener('drop', (event) => {
      const [file] = dragsFiles(event) ? (event.dataTransfer?.files ?? []) : [];
      if (file && shownView() === 'search' && !byId('search-body').hidden) this.takeFile(file);
    });
    app.store.watch(['open', 'encoder', 'version'], (state) => this.refresh(state));
  }

  private layOut(choose: HTMLElement): void {
    const note =
      'Or drop a picture on this page. It need not be one of your photos, and stays on this machine as well.';
    const query = el('div', { class: 'query', role: 'group', 'aria-label': 'What is searched for' });
    query.append(this.frame, el('div', {}, this.name, choose, el('p', { class: 'note' }, note)), this.input);
    const head = el('div', { class: 'found-head' }, this.status, el('label', {}, 'Show', this.count));
    byId('search-body').append(query, el('div', { class: 'found' }, head, this.results.root));
  }

  /** Searches with what the address names: a photo by its number, or `picture`. */
  show(rest: string): void {
    const { open } = this.app.store.value;
    const photo = Number(rest);
    if (rest === 'picture') this.query = this.picture ?? this.query;
    else if (/^\d+$/.test(rest) && open && photo < open.photos.length) this.query = photo;
    this.refresh(this.app.store.value);
  }

  /** Searches with a photo or with a picture that is none of them. */
  search(query: number | File): void {
    if (typeof query !== 'number') {
      this.picture = query;
      this.pictures++;
    }
    const rest = typeof query === 'number' ? String(query) : 'picture';
    if (location.hash === `#search/${rest}`) this.show(rest);
    else goTo('search', rest);
  }

  private takeFile(file: File): void {
    if (isPicture(file)) this.app.search(file);
    else {
      const message = `${file.name} is no picture. Choose one such as a .jpg or .png file.`;
      setTrouble(this.app, 'search', { kind: 'input', message });
    }
  }

  private refresh({ open, encoder }: State): void {
    if (typeof this.query === 'number' && !(open && this.query < open.photos.length)) this.query = undefined;
    const can = open !== undefined && encoder !== undefined;
    byId('search-empty').hidden = can;
    byId('search-body').hidden = !can;
    if (!can) byId('search-empty').replaceChildren(...needs(open, 'search'));
    else if (shownView() === 'search') {
      this.query ??= 0;
      void this.run();
    }
  }

  private showQuery(open: OpenPhotos, query: number | File): void {
    const { name, file } = typeof query === 'number' ? open.photos[query] : { name: query.name, file: query };
    URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(file);
    this.frame.classList.remove('gone');
    this.image.src = this.url;
    this.name.textContent = name;
  }

  private async run(): Promise<void> {
    const { query, app } = this;
    const { open, version } = app.store.value;
    if (!open || query === undefined) return;
    const k = Number(this.count.value);
    const key = `${version} ${typeof query === 'number' ? query : `picture ${this.pictures}`} ${k}`;
    if (key === this.shown) return;
    this.shown = key;
    this.showQuery(open, query);
    const asked = ++this.asked;
    this.status.textContent = 'Searching …';
    const what: Query = typeof query === 'number' ? { photo: query } : { file: query };
    const answer = await attempt(app, { place: 'search', during: 'search' }, () =>
      app.client.request({ type: 'search', query: what, k }),
    );
    // Another search was begun meanwhile: its answer comes.
    if (asked !== this.asked) return;
    if (answer) return this.showFound(open, query, answer.neighbours);
    this.shown = '';
    this.status.textContent = '';
  }

  private showFound(open: OpenPhotos, query: number | File, neighbours: readonly Neighbour[]): void {
    const { store, announce } = this.app;
    this.status.textContent = `The ${counted(neighbours.length, 'photo')} most similar to it. Choose one to go on from there.`;
    this.results.show(open, neighbours);
    const own = typeof query === 'number' ? [query] : [];
    store.set({ found: [...own, ...neighbours.map(({ photo }) => photo)] });
    announce(counted(neighbours.length, 'similar photo'));
  }
}

/** What is missing before something can be done with the features of photos. */
export function needs(open: OpenPhotos | undefined, verb: string): Node[] {
  if (!open)
    return [
      el('p', {}, `There are no photos to ${verb} yet.`),
      el('p', {}, el('a', { class: 'button', href: '#photos' }, 'Open photos')),
    ];
  return [
    el('p', {}, 'Nothing was learnt from the photos yet. Train a network on them, or load the weights of one.'),
    el(
      'p',
      { class: 'buttons' },
      el('a', { class: 'button', href: '#train' }, 'Train'),
      el('a', { class: 'button', href: '#weights' }, 'Load weights'),
    ),
  ];
}

/** Makes the view work. */
export function searchView(app: App): Pick<SearchView, 'show' | 'search'> {
  return new SearchView(app);
}
