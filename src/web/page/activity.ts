/** What is under way: a strip below the header, on every view, and the title of the tab. */
import type { RequestType } from '../protocol.ts';
import { byId, el } from './dom.ts';
import type { Activity, App } from './state.ts';

/** That which is shown where several things are under way: what takes longest. */
const precedence: readonly RequestType[] = ['train', 'continue', 'open', 'load', 'map', 'features', 'save', 'search'];

const title = document.title;

function titleOf(activity: Activity | undefined): string {
  if (!activity) return title;
  const { label, done } = activity;
  return done === undefined ? `${label} … · ${title}` : `${Math.floor(100 * done)} % ${label} · ${title}`;
}

/** Shows what is under way, with a button to end it where that can be done. */
export function showActivity({ store, client }: App): void {
  const box = byId('activity');
  const label = el('span', { class: 'activity-label' });
  const detail = el('span', { class: 'activity-detail' });
  const bar = el('progress', { max: 1, 'aria-label': 'Share that is done' });
  const stop = el('button', { type: 'button', class: 'quiet', onclick: () => client.stop() });
  box.append(el('p', {}, label, detail, stop), bar);

  store.watch(['busy'], ({ busy }) => {
    const type = precedence.find((candidate) => busy.get(candidate) !== undefined);
    const activity = type && busy.get(type);
    document.title = titleOf(activity);
    box.hidden = !activity;
    if (!activity) return;
    label.textContent = activity.label;
    detail.textContent = activity.detail ?? '';
    stop.hidden = activity.stop === undefined;
    stop.textContent = activity.stop ?? '';
    if (activity.done === undefined) bar.removeAttribute('value');
    else bar.value = activity.done;
  });
}

/**
 * A function that has screen readers say something. What follows within a second replaces it: nobody can follow more, and a text that is
 * the same as before is said again.
 */
export function announcer(): (text: string) => void {
  const box = byId('announcements');
  let timer: ReturnType<typeof setTimeout> | undefined;
  return (text) => {
    clearTimeout(timer);
    box.textContent = '';
    timer = setTimeout(() => {
      box.textContent = text;
    }, 150);
  };
}
