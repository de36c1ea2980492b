/**
 * Pages as TypeDoc takes them: laid into a folder as the project lies, with titles in front, so that the sources in docs/ are plain
 * Markdown that a code host shows. A link to a file of the project becomes one to a page with that file's text.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, posix } from 'node:path';
import type { Page } from './pages.ts';

/** Files that a page shows, and TypeDoc copies. */
const shown = ['.png', '.svg', '.json'];

/** What fenced code of a file is called. */
const languages: Readonly<Record<string, string>> = { '.ts': 'ts', '.mjs': 'js', '.wgsl': 'wgsl', '.py': 'python' };

/** Pages in a folder, and what they link to. */
export class Stage {
  /** Of all pages in order: files that TypeDoc reads. */
  readonly files: string[] = [];
  readonly #sources = new Map<string, Page>();

  /** @param root of the project @param folder where pages are laid */
  constructor(
    private readonly root: string,
    private readonly folder: string,
  ) {}

  /** Lays a page down. @returns its file */
  add(page: Page): string {
    const text = page.text.replace(/(\]\(|src=")([^)\s"]+)/g, (_, before: string, link: string) => {
      return `${before}${this.#linked(page.path, link)}`;
    });
    const file = this.#write(
      page.path,
      `---\ntitle: ${JSON.stringify(page.title)}\npage: ${JSON.stringify(page.path)}\n---\n\n${text}`,
    );
    this.files.push(file);
    return file;
  }

  /** Lays down what pages have linked to of the project's files. */
  addSources(): void {
    for (const page of this.#sources.values()) this.add(page);
  }

  #write(path: string, text: string): string {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** What a link of a page is on the site. */
  #linked(from: string, link: string): string {
    const [target, section] = link.split('#');
    const path = posix.normalize(posix.join(posix.dirname(from), target));
    const file = join(this.root, path);
    if (/^[a-z]+:/.test(link) || target === '' || target.endsWith('.md') || !existsSync(file)) return link;
    if (shown.includes(extname(target))) {
      const copy = join(this.folder, path);
      mkdirSync(dirname(copy), { recursive: true });
      copyFileSync(file, copy);
      return link;
    }
    if (!statSync(file).isFile()) throw new Error(`${from} links to a folder, which the site has no page for: ${link}`);
    if (!this.#sources.has(path)) this.#sources.set(path, sourcePage(path, readFileSync(file, 'utf8')));
    return `${target}.md${section === undefined ? '' : `#${section}`}`;
  }
}

/** A file of the project as a page. */
function sourcePage(path: string, code: string): Page {
  const text = `# ${path}\n\n\`\`\`\`${languages[extname(path)] ?? 'text'}\n${code}\`\`\`\`\n`;
  return { path: `${path}.md`, title: path, text };
}
