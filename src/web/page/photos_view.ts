/** Photos are opened here: dropped or chosen, decoded by the worker, shown in a grid. */
import type { DeviceFacts, Opened, Photo } from '../protocol.ts';
import { attempt, setActivity, setTrouble } from './actions.ts';
import { byId, el } from './dom.ts';
import { type Chosen, chosenFiles, dragsFiles, droppedFiles } from './files.ts';
import { counted } from './format.ts';
import { PhotoGrid } from './photo_grid.ts';
import { type App, isBusy } from './state.ts';
import { suggestedImageSize } from './suggestions.ts';
import { Thumbnails } from './thumbnails.ts';
import { shownView } from './views.ts';

/** Takes what the worker has opened: photos in its order. Those that were only decoded to another size stay as they are. */
export function takeOpened(app: App, { places, imageSize, skipped }: Opened, asked: readonly Photo[]): void {
  const { store } = app;
  const former = store.value.open;
  const version = store.value.version + 1;
  const same = former?.asked === asked && places.every((place, i) => asked[place] === former.photos[i]);
  if (same && places.length === former.photos.length) {
    store.set({ open: { ...former, imageSize, skipped }, version });
    return;
  }
  const photos = places.map((place) => asked[place]);
  store.set({ open: { photos, asked, imageSize, skipped, thumbnails: new Thumbnails(photos) }, found: [], version });
  former?.thumbnails.close();
}

/** Opens photos in place of those that are open, at a size that may not be known yet. */
export async function openPhotos(
  app: App,
  photos: readonly Photo[],
  imageSize: number | Promise<number>,
): Promise<boolean> {
  const activity = { label: 'Reading photos', done: 0, detail: counted(photos.length, 'file') };
  const opened = await attempt(app, { place: 'photos', during: 'open', activity }, async () =>
    app.client.request({ type: 'open', photos, imageSize: await imageSize }),
  );
  if (!opened) return false;
  takeOpened(app, opened, photos);
  // What was learnt is kept, but it would go on with the photos that it began with.
  app.store.set({ training: undefined });
  const left = opened.skipped.length > 0 ? `, ${counted(opened.skipped.length, 'file')} could not be read` : '';
  app.announce(`${counted(opened.names.length, 'photo')} open${left}.`);
  return true;
}

/** The device, once it is known; undefined where there is none. */
const knownDevice = ({ store }: Pick<App, 'store'>): Promise<DeviceFacts | undefined> =>
  new Promise((resolve) => {
    store.watch(['device', 'troubles'], ({ device, troubles }) => {
      if (device || troubles.device) resolve(device);
    });
  });

function openChosen(app: App, { photos, others }: Chosen): void {
  if (isBusy(app.store.value)) {
    setTrouble(app, 'photos', {
      kind: 'input',
      message: 'Something is under way: stop it first, then open other photos.',
    });
    return;
  }
  if (photos.length === 0) {
    const found = others === 0 ? 'There is no file in it' : `There is no picture among ${counted(others, 'file')}`;
    setTrouble(app, 'photos', {
      kind: 'input',
      message: `${found}. Choose a folder with photos, such as .jpg or .png.`,
    });
    return;
  }
  const { open } = app.store.value;
  // Photos may be dropped before the GPU is found, which decides the size that suits it.
  void openPhotos(app, photos, open?.imageSize ?? knownDevice(app).then(suggestedImageSize));
}

/** Takes what is dropped anywhere on the page while the photos are shown; elsewhere a dropped picture is not opened by the browser. */
function watchDrops(app: App): void {
  const zone = byId('drop');
  const over = (on: boolean): void => void zone.classList.toggle('over', on);
  addEventListener('dragover', (event) => {
    if (!dragsFiles(event)) return;
    event.preventDefault();
    over(shownView() === 'photos');
  });
  addEventListener('dragleave', ({ relatedTarget }) => relatedTarget === null && over(false));
  addEventListener('drop', (event) => {
    over(false);
    if (!dragsFiles(event)) return;
    event.preventDefault();
    if (shownView() !== 'photos' || !event.dataTransfer) return;
    const note = byId('drop-note');
    const words = note.textContent;
    void droppedFiles(event.dataTransfer, (files) => (note.textContent = `${counted(files, 'file')} found so far …`))
      .then((chosen) => openChosen(app, chosen))
      .catch((error: Error) => {
        const message = `The folder cannot be read (${error.message}). Copy it to where this browser may read, then drop that.`;
        setTrouble(app, 'photos', { kind: 'input', message });
      })
      .finally(() => (note.textContent = words));
  });
}

function watchInputs(app: App): void {
  // Browsers of phones may have no choice of folders.
  byId('choose-folder').hidden = !('webkitdirectory' in HTMLInputElement.prototype);
  for (const kind of ['folder', 'files']) {
    const input = byId<HTMLInputElement>(`${kind}-input`);
    byId(`choose-${kind}`).addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      const files = [...(input.files ?? [])];
      // So that the same folder can be chosen again.
      input.value = '';
      openChosen(app, chosenFiles(files));
    });
  }
}

function showSkipped(skipped: Opened['skipped']): void {
  const box = byId<HTMLDetailsElement>('skipped');
  box.hidden = skipped.length === 0;
  box.replaceChildren(
    el('summary', {}, `${counted(skipped.length, 'file')} could not be read`),
    el(
      'ul',
      { tabindex: 0, 'aria-label': 'Files that could not be read, and why' },
      ...skipped.map(({ name, reason }) => el('li', {}, el('b', {}, name), ` ${reason}`)),
    ),
  );
}

const nextStep = (): Node[] => [
  el('a', { class: 'button primary', href: '#train' }, 'Train on them'),
  el('span', {}, 'or ', el('a', { href: '#weights' }, 'load weights'), ', to search and map them.'),
];

/** Makes the view work. */
export function photosView(app: App): void {
  const grid = new PhotoGrid(byId('grid'), (photo) => app.search(photo));
  watchDrops(app);
  watchInputs(app);
  app.client.on('decoding', ({ done, total }) =>
    setActivity(app, 'open', {
      label: 'Reading photos',
      done: done / total,
      detail: `${done} of ${counted(total, 'file')}`,
    }),
  );
  app.store.watch(['open'], ({ open }) => {
    byId('opened').hidden = !open;
    byId('drop').classList.toggle('small', open !== undefined);
    byId('welcome').classList.toggle('small', open !== undefined);
    if (!open) return;
    byId('photos-title').textContent = counted(open.photos.length, 'photo');
    byId('drop-title').textContent = 'Other photos';
    showSkipped(open.skipped);
    grid.show(open);
  });
  app.store.watch(['open', 'encoder'], ({ open, encoder }) => {
    const next = encoder === undefined ? nextStep() : ['Choose a photo to find those that are like it.'];
    byId('photos-next').replaceChildren(...(open ? next : []));
  });
  app.store.watch(['busy'], (state) => {
    for (const id of ['choose-folder', 'choose-files']) byId<HTMLButtonElement>(id).disabled = isBusy(state);
  });
}
