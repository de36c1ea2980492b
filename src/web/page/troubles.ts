/** What went wrong, in the place where it did, with what can be done. */
import { setTrouble } from './actions.ts';
import { whatBrowsersNeed } from './browsers.ts';
import { byId, el } from './dom.ts';
import { sentence } from './format.ts';
import type { App, Place, Trouble } from './state.ts';
import { shownView } from './views.ts';

const titles: Record<Trouble['kind'], string> = {
  'no-webgpu': 'This page needs WebGPU, and does not get it',
  memory: 'Not enough GPU memory',
  'device-lost': 'The GPU was lost',
  input: 'That cannot be done so',
  fault: 'A mistake of this program',
};

/** In the view of the training, whose button is below what it shows on a phone. */
function toContinue(event: Event): void {
  if (shownView() !== 'train') return;
  event.preventDefault();
  byId('continue').focus();
}

function help({ kind, kept }: Trouble): Node[] {
  switch (kind) {
    case 'no-webgpu':
      return [
        ...(isSecureContext
          ? []
          : [el('p', {}, 'Browsers give WebGPU to pages from https:// or from this machine (http://localhost) only.')]),
        ...whatBrowsersNeed(navigator.userAgent),
        el(
          'p',
          {},
          'Graphics must be switched on in the browser’s settings (“Use graphics acceleration when available”).',
        ),
      ];
    case 'memory':
      return [el('p', {}, 'Other tabs and programs that draw much take of it too: close them, or lower the settings.')];
    case 'device-lost':
      if (!kept) return [el('p', {}, 'Your photos are still open, and files that you saved are safe.')];
      return [
        el(
          'p',
          {},
          'Your photos are still open. You can ',
          el('a', { href: '#train', onclick: toContinue }, 'go on with the training'),
          ' from there, or ',
          el('a', { href: '#weights' }, 'save the weights'),
          '.',
        ),
      ];
    default:
      return [];
  }
}

function notice(app: App, place: Place, trouble: Trouble): HTMLElement {
  const close = (): void => setTrouble(app, place, undefined);
  const canClose = trouble.kind !== 'no-webgpu';
  return el(
    'div',
    { class: 'trouble', 'data-kind': trouble.kind, role: 'group', 'aria-label': titles[trouble.kind] },
    el('h2', {}, titles[trouble.kind]),
    el('p', {}, sentence(trouble.message)),
    ...help(trouble),
    canClose && el('button', { type: 'button', class: 'quiet', onclick: close }, 'Dismiss'),
  );
}

/** Shows troubles wherever the page has a place for them. */
export function showTroubles(app: App): void {
  const places = [...document.querySelectorAll<HTMLElement>('[data-troubles]')];
  const shown = new Map<HTMLElement, Trouble>();
  app.store.watch(['troubles'], ({ troubles }) => {
    for (const box of places) {
      const place = box.dataset['troubles'] as Place;
      const trouble = troubles[place];
      if (trouble === shown.get(box)) continue;
      if (trouble) shown.set(box, trouble);
      else shown.delete(box);
      box.replaceChildren(...(trouble ? [notice(app, place, trouble)] : []));
    }
  });
}
