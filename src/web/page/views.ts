/** Which part of the page is shown: that which the address names behind its `#`. */
import { byId } from './dom.ts';

export const views = ['photos', 'train', 'search', 'map', 'weights'] as const;
export type View = (typeof views)[number];

/** `#search/12` → the view and the rest of the address; the first view where it names none. */
export function readAddress(hash: string): { readonly view: View; readonly rest: string } {
  const [name, ...rest] = hash.replace(/^#/, '').split('/');
  const view = views.find((known) => known === name);
  return { view: view ?? 'photos', rest: view ? rest.join('/') : '' };
}

/** The view that is shown now. */
export const shownView = (): View => readAddress(location.hash).view;

/** Goes to a view, as a link does: the way back leads to the one before. */
export function goTo(view: View, rest = ''): void {
  location.hash = rest === '' ? view : `${view}/${rest}`;
}

/**
 * Shows the view of the address, now and whenever it changes. The heading of a view gets the focus, so that one who goes on with the
 * keyboard or listens is where the view begins.
 *
 * @param onShow is told of the view, and of what follows it in the address
 */
export function followAddress(onShow: (view: View, rest: string) => void): void {
  let shown: View | undefined;
  const show = (): void => {
    const { view, rest } = readAddress(location.hash);
    for (const name of views) byId(`view-${name}`).hidden = name !== view;
    for (const link of document.querySelectorAll<HTMLAnchorElement>('[data-view]')) {
      if (link.dataset['view'] === view) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    if (shown !== undefined && shown !== view) {
      scrollTo(0, 0);
      byId(`${view}-title`).focus({ preventScroll: true });
    }
    shown = view;
    onShow(view, rest);
  };
  addEventListener('hashchange', () => {
    // The link over the header leads to the content of the view that is shown.
    if (location.hash === '#main') history.replaceState(null, '', `#${shown}`);
    else show();
  });
  show();
}
