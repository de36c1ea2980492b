/** What was learnt, to and from files. */
import { attempt } from './actions.ts';
import { byId, download, el } from './dom.ts';
import { dragsFiles } from './files.ts';
import { takeOpened } from './photos_view.ts';
import { type App, isBusy } from './state.ts';
import { shownView } from './views.ts';

const card = (title: string, text: readonly (Node | string)[], ...rest: readonly Node[]): HTMLElement =>
  el('div', { class: 'card' }, el('h2', {}, title), el('p', {}, ...text), ...rest);

async function load(app: App, file: File): Promise<void> {
  const { store, client } = app;
  const asked = store.value.open?.asked ?? [];
  const activity = { label: `Reading ${file.name}` };
  const loaded = await attempt(app, { place: 'weights', during: 'load', activity }, async () => {
    const bytes = await file.arrayBuffer();
    return client.request({ type: 'load', name: file.name, bytes }, [bytes]);
  });
  if (!loaded) return;
  if (loaded.opened) takeOpened(app, loaded.opened, asked);
  const encoder = `${loaded.name}: ${loaded.encoder}, ${loaded.imageSize} × ${loaded.imageSize} pixels`;
  store.set({ encoder, training: undefined, unsaved: false, version: store.value.version + 1 });
  app.announce(`Weights of ${loaded.name} are loaded.`);
}

async function save(app: App, type: 'save' | 'features'): Promise<void> {
  const activity = { label: type === 'save' ? 'Saving weights' : 'Computing features' };
  const content = await attempt(app, { place: 'weights', during: type, activity }, () => app.client.request({ type }));
  if (!content) return;
  download(content, type === 'save' ? 'application/octet-stream' : 'text/csv');
  if (type === 'save') app.store.set({ unsaved: false });
  app.announce(`${content.name} was saved.`);
}

const button = (label: string, onclick: () => void): HTMLButtonElement =>
  el('button', { type: 'button', onclick }, label);

/** Makes the view work. */
export function weightsView(app: App): void {
  const input = el('input', { type: 'file', accept: '.safetensors', hidden: true, id: 'weights-input' });
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    input.value = '';
    if (file) void load(app, file);
  });
  addEventListener('drop', (event) => {
    const [file] = dragsFiles(event) ? (event.dataTransfer?.files ?? []) : [];
    if (file && shownView() === 'weights' && !isBusy(app.store.value)) void load(app, file);
  });
  const [saveButton, loadButton, tableButton] = [
    button('Save weights', () => void save(app, 'save')),
    button('Load weights …', () => input.click()),
    button('Save features', () => void save(app, 'features')),
  ];
  const there = el('p', { class: 'lead', id: 'weights-there' });
  const command = el('pre', {}, 'npm run simclr -- embed --checkpoint FILE --data PHOTOS');
  byId('weights-body').append(
    there,
    card(
      'Save',
      [
        'The encoder as a ',
        el('code', {}, '.safetensors'),
        ' file, with all that is needed to use it. The command line reads it:',
      ],
      command,
      saveButton,
    ),
    card(
      'Load',
      [
        'A file that was saved here, or exported by the command line, or torchvision’s ResNet. It takes the place of what was trained here.',
      ],
      loadButton,
      input,
    ),
    card(
      'Features',
      ['What the network sees in each photo, as a table (CSV): a row for each photo, with its name and its numbers.'],
      tableButton,
    ),
  );
  app.store.watch(['open', 'encoder', 'busy'], (state) => {
    const { encoder, open, busy } = state;
    there.textContent =
      encoder === undefined ? 'No network yet: train one, or load the weights of one.' : `${encoder}.`;
    saveButton.disabled = encoder === undefined || busy.has('save');
    tableButton.disabled = encoder === undefined || !open || busy.has('features');
    loadButton.disabled = isBusy(state);
  });
}
