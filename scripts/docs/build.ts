/** The documentation site: pages are laid down, then TypeDoc makes it of them and of the library. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandPages } from './commands.ts';
import { methodPages } from './methods.ts';
import { firstPageOf, type Section, writtenSections } from './pages.ts';
import { renderSite } from './site.ts';
import { Stage } from './stage.ts';

/**
 * Builds the site.
 * @param root of the project @param out is replaced
 */
export async function buildSite(root: string, out: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'simclr-docs-'));
  try {
    const stage = new Stage(root, folder);
    const readme = stage.add(firstPageOf(root));
    const [start, tasks, guides, methods, inside, results] = writtenSections(root);
    const sections: Section[] = [
      start,
      tasks,
      guides,
      { ...methods, pages: [...methods.pages, ...methodPages()] },
      inside,
      { title: 'Commands', pages: commandPages() },
      results,
    ];
    for (const { pages } of sections) for (const page of pages) stage.add(page);
    stage.addSources();
    const documents = stage.files.filter((file) => file !== readme);
    await renderSite({ root, out, readme, documents, sections });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
