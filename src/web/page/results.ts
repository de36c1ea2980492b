/** Photos with how similar they are, as a list that arrow keys move in. */
import type { Neighbour } from '../protocol.ts';
import { el } from './dom.ts';
import { decimal } from './format.ts';
import { placeAfter } from './roving.ts';
import type { OpenPhotos } from './state.ts';
import { fillImage } from './thumbnails.ts';

/** How many columns a list has as it is laid out now. */
function columnsOf(list: HTMLElement): number {
  const items = [...list.children] as HTMLElement[];
  const below = items.findIndex(({ offsetTop }) => offsetTop > items[0].offsetTop);
  return below < 0 ? Math.max(1, items.length) : below;
}

function result({ thumbnails, photos }: OpenPhotos, { photo, similarity }: Neighbour, place: number): HTMLElement {
  const { name } = photos[photo];
  const image = el('img', { alt: '', decoding: 'async' });
  const text = decimal(similarity, 3);
  const meter = el('meter', { min: 0, max: 1, value: Math.max(0, similarity), 'aria-hidden': 'true' });
  const frame = el('span', { class: 'frame' }, image);
  const button = el(
    'button',
    {
      type: 'button',
      'data-photo': photo,
      title: name,
      tabindex: place === 0 ? 0 : -1,
    },
    frame,
    el('span', { class: 'score' }, meter, el('span', { class: 'unheard' }, 'Similarity '), text, ' '),
    el('span', { class: 'name' }, name),
  );
  void fillImage(image, thumbnails, photo);
  return el('li', {}, button);
}

/** @param onChoose is called with the number of a photo that was clicked, or chosen with Enter */
export function resultList(onChoose: (photo: number) => void): {
  readonly root: HTMLElement;
  show(open: OpenPhotos, neighbours: readonly Neighbour[]): void;
} {
  const root = el('ol', { class: 'results', 'aria-label': 'Most similar photos, the most similar first' });
  const buttons = () => [...root.querySelectorAll<HTMLButtonElement>('button')];
  const buttonOf = (target: EventTarget | null) => (target instanceof Element ? target.closest('button') : null);
  root.addEventListener('click', ({ target }) => {
    const button = buttonOf(target);
    if (button) onChoose(Number(button.dataset['photo']));
  });
  root.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const all = buttons();
    const place = placeAfter(event.key, all.indexOf(buttonOf(event.target)!), {
      columns: columnsOf(root),
      count: all.length,
    });
    if (place === undefined) return;
    event.preventDefault();
    all[place].focus();
  });
  root.addEventListener('focusin', ({ target }) => {
    for (const button of buttons()) button.tabIndex = button === buttonOf(target) ? 0 : -1;
  });
  return {
    root,
    show(open, neighbours) {
      root.replaceChildren(...neighbours.map((neighbour, place) => result(open, neighbour, place)));
    },
  };
}
