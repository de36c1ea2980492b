/**
 * A report as the parts that `src/report/html.ts` writes one after another. Only words, tables and pictures are taken of the file, whatever
 * else may be in it: nothing of it becomes a part of the page's document, and a picture in an `img` runs no script and loads nothing.
 */
export type Part =
  | { readonly kind: 'title' | 'heading' | 'text' | 'note'; readonly text: string }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'figure'; readonly src: string; readonly caption: string };

/** A picture that is in the file itself. */
const inline = /^data:image\/(svg\+xml|png)[;,]/;

export function reportParts(html: string): Part[] {
  // The page's policy refuses the style in its head, which would be said on the console each time.
  const content = html.slice(Math.max(0, html.indexOf('<body>')));
  // A document without a window: it runs no script and loads nothing.
  const { body } = new DOMParser().parseFromString(content, 'text/html');
  return [...body.children].flatMap(partOf);
}

const textOf = (element: Element): string => element.textContent.trim();

function partOf(element: Element): Part[] {
  switch (element.localName) {
    case 'h1':
      return [{ kind: 'title', text: textOf(element) }];
    case 'h2':
      return [{ kind: 'heading', text: textOf(element) }];
    case 'p':
      return [{ kind: element.classList.contains('note') ? 'note' : 'text', text: textOf(element) }];
    case 'div':
      return [...element.querySelectorAll('table')].map(tableOf);
    case 'figure':
      return figureOf(element);
    default:
      return [];
  }
}

function tableOf(table: HTMLTableElement): Part {
  const cells = (row: HTMLTableRowElement) => [...row.cells].map(textOf);
  const [head, ...rows] = [...table.rows].map(cells);
  return { kind: 'table', head: head ?? [], rows };
}

function figureOf(figure: Element): Part[] {
  const src = figure.querySelector('img')?.getAttribute('src') ?? '';
  const caption = figure.querySelector('figcaption');
  return inline.test(src) ? [{ kind: 'figure', src, caption: caption ? textOf(caption) : '' }] : [];
}
