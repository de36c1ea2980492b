/** The photos most similar to one of them, or to any other picture. */
import type { Query } from '../protocol.ts';
import { attempt, setTrouble } from './actions.ts';
import { byId, el } from './dom.ts';
import { dragsFiles, isPicture } from './files.ts';
import { counted } from './format.ts';
import { resultList } from './results.ts';
import type { App, OpenPhotos, Picture, State } from './state.ts';
import { fillImage } from './thumbnails.ts';
import { goTo, shownView } from './views.ts';

const counts = [12, 24, 48, 96] as const;

class SearchView {
  private query: number | Picture | undefined;
  /** What is shown, so that it is not searched for again: the encoder's version, the query and how many. */
  private shown = '';
  private asked = 0;
  private readonly image = el('img', { alt: '' });
  private readonly name = el('p', { class: 'query-name' });
  private readonly status = el('p', { class: 'note' });
  private readonly results = resultList((photo) => this.app.search(photo));
  private readonly input = el('input', { type: 'file', accept: 'image/*', hidden: true });
  private readonly count = el(
    'select',
    { id: 'search-count' },
    ...counts.map((count) => el('option', { value: count }, String(count))),
  );
  private readonly frame = el('div', { class: 'query-photo' }, this.image);

  constructor(private readonly app: App) {
    const choose = el('button', { type: 'button' }, 'Another picture …');
    choose.addEventListener('click', () => this.input.click());
    this.input.addEventListener('change', () => {
      const [file] = this.input.files ?? [];
      this.input.value = '';
      if (file) this.takeFile(file);
    });
    this.count.value = String(counts[1]);
    this.count.addEventListener('change', () => void this.run());
    const controls = el(
      'div',
      { class: 'query-controls' },
      choose,
      el('label', { for: 'search-count' }, 'Show'),
      this.count,
    );
    const note = el(
      'p',
      { class: 'note' },
      'Or drop a picture on this page. It need not be one of your photos, and stays here as well.',
    );
    const query = el('div', { class: 'query', role: 'group', 'aria-label': 'What is searched for' });
    query.append(this.frame, el('div', {}, this.name, controls, note), this.input);
    byId('search-body').append(query, el('div', { class: 'found' }, this.status, this.results.root));
    this.watchDrops();
    app.store.watch(['open', 'encoder', 'version', 'device'], (state) => this.refresh(state));
  }

  /** Searches with what the address names, or with the picture that was chosen. */
  show(rest: string): void {
    const { open } = this.app.store.value;
    const photo = rest === '' ? undefined : Number(rest);
    const known = photo !== undefined && open && Number.isInteger(photo) && photo >= 0 && photo < open.photos.length;
    if (known) this.query = photo;
    if (shownView() === 'search') this.refresh(this.app.store.value);
  }

  /** Takes a picture that is none of the photos. */
  takePicture(picture: Picture): void {
    if (typeof this.query === 'object') URL.revokeObjectURL(this.query.url);
    this.query = picture;
  }

  private takeFile(file: File): void {
    if (isPicture(file)) this.app.search({ file, url: URL.createObjectURL(file) });
    else
      setTrouble(this.app, 'search', {
        kind: 'input',
        message: `${file.name} is no picture. Choose one such as a .jpg or .png file.`,
      });
  }

  private watchDrops(): void {
    addEventListener('drop', (event) => {
      const [file] = dragsFiles(event) ? (event.dataTransfer?.files ?? []) : [];
      if (file && shownView() === 'search' && !byId('search-body').hidden) this.takeFile(file);
    });
  }

  private refresh({ open, encoder }: State): void {
    if (typeof this.query === 'number' && !(open && this.query < open.photos.length)) this.query = undefined;
    const can = open !== undefined && encoder !== undefined;
    byId('search-empty').hidden = can;
    byId('search-body').hidden = !can;
    if (!can) byId('search-empty').replaceChildren(...needs(open, 'search'));
    else if (shownView() === 'search') {
      this.query ??= 0;
      this.showQuery(open, this.query);
      void this.run();
    }
  }

  private showQuery(open: OpenPhotos, query: number | Picture): void {
    if (typeof query === 'number') {
      this.image.removeAttribute('src');
      void fillImage(this.image, open.thumbnails, query);
      this.name.textContent = open.photos[query].name;
    } else {
      this.image.src = query.url;
      this.name.textContent = query.file.name;
    }
  }

  private async run(): Promise<void> {
    const { query, app } = this;
    const { open, version } = app.store.value;
    if (!open || query === undefined) return;
    const k = Number(this.count.value);
    const key = `${version} ${typeof query === 'number' ? query : query.url} ${k}`;
    if (key === this.shown) return;
    this.shown = key;
    const asked = ++this.asked;
    this.status.textContent = 'Searching …';
    const what: Query = typeof query === 'number' ? { photo: query } : { file: query.file };
    const answer = await attempt(app, { place: 'search', during: 'search' }, () =>
      app.client.request({ type: 'search', query: what, k }),
    );
    // Another search was begun meanwhile: its answer comes.
    if (asked !== this.asked) return;
    if (!answer) {
      this.shown = '';
      this.status.textContent = '';
      return;
    }
    this.status.textContent = `The ${counted(answer.neighbours.length, 'photo')} most similar to it. Choose one to go on from there.`;
    this.results.show(open, answer.neighbours);
    const own = typeof query === 'number' ? [query] : [];
    app.store.set({ found: [...own, ...answer.neighbours.map(({ photo }) => photo)] });
    app.announce(`${counted(answer.neighbours.length, 'similar photo')}.`);
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
export function searchView(app: App): { show(rest: string): void; search(query: number | Picture): void } {
  const view = new SearchView(app);
  return {
    show: (rest) => view.show(rest),
    search(query) {
      if (typeof query === 'number') goTo('search', String(query));
      else {
        view.takePicture(query);
        if (location.hash === '#search/picture') view.show('picture');
        else goTo('search', 'picture');
      }
    },
  };
}
