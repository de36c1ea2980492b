/** The page: makes its worker and its views, and tells them of each other. */
import { setTrouble, takeLeft } from './actions.ts';
import { announcer, showActivity } from './activity.ts';
import { Client, waysToStart } from './client.ts';
import { byId, el } from './dom.ts';
import { mapView } from './map_view.ts';
import { photosView } from './photos_view.ts';
import { searchView } from './search_view.ts';
import { type App, emptyState, isTraining } from './state.ts';
import { Store } from './store.ts';
import { trainView } from './train_view.ts';
import { showTroubles } from './troubles.ts';
import { followAddress } from './views.ts';
import { weightsView } from './weights_view.ts';

const store = new Store(emptyState);
const client = new Client(waysToStart(new URL('worker.js', import.meta.url)));
let searchFor: App['search'] = () => undefined;
const app: App = { store, client, announce: announcer(), search: (query) => searchFor(query) };

const slowly = 'The graphics are computed by the processor: a training takes many times longer.';

/** The GPU, or that there is none, in the header. */
function showDevice(): void {
  const box = byId('device');
  store.watch(['device', 'troubles'], ({ device, troubles }) => {
    const text = troubles.device ? 'No GPU' : device ? device.adapter : 'Looking for a GPU …';
    box.dataset['state'] = troubles.device ? 'bad' : !device ? 'waits' : device.software ? 'slow' : 'good';
    const slow = device?.software === true && !troubles.device;
    box.replaceChildren(
      el('span', { class: 'light', 'aria-hidden': 'true' }),
      el('span', { class: 'adapter', title: text }, text),
      ...(slow ? [el('span', { class: 'tag', title: slowly }, 'slow')] : []),
    );
  });
}

client.on('device', (device) => store.set({ device }));
client.on('error', (error) => {
  if (error.kind === 'device-lost') takeLeft(app, error);
  setTrouble(app, 'device', error);
});

showTroubles(app);
showActivity(app);
showDevice();
photosView(app);
trainView(app);
const search = searchView(app);
const map = mapView(app);
weightsView(app);
searchFor = (query) => search.search(query);

followAddress((view, rest) => {
  if (view === 'search') search.show(rest);
  if (view === 'map') map.show();
});

// A training that goes on, or that was not saved, would be lost with the page.
addEventListener('beforeunload', (event) => {
  if (isTraining(store.value) || store.value.unsaved) event.preventDefault();
});

// Last: where anything above has failed, the document says that the page has not started.
byId('not-started').remove();
