/** TypeDoc makes the site: pages and library, navigation, search. */
import { join } from 'node:path';
import { Application, type IndexEvent, type Reflection, Renderer, type TypeDocOptions } from 'typedoc';
import { UserError } from '../../src/errors.ts';
import { keepIndented } from './docstrings.ts';
import { areaOrder, groupByArea, modules } from './library.ts';
import type { Section } from './pages.ts';
import { PathRouter } from './router.ts';
import { sectionTheme } from './theme.ts';

export interface SiteParts {
  /** Of the project. */
  readonly root: string;
  /** The folder of the site, which is replaced. */
  readonly out: string;
  /** File of the first page. */
  readonly readme: string;
  /** Files of all other pages. */
  readonly documents: readonly string[];
  /** What the navigation has. */
  readonly sections: readonly Section[];
}

/** Renders the site. UserError: TypeDoc found something wrong, which it has printed; the site is there all the same. */
export async function renderSite(parts: SiteParts): Promise<void> {
  const app = await Application.bootstrapWithPlugins(options(parts));
  app.renderer.defineRouter('paths', PathRouter);
  app.renderer.defineTheme('sections', sectionTheme(parts.sections));
  groupByArea(app, parts.root);
  keepIndented(app);
  app.renderer.on(Renderer.EVENT_PREPARE_INDEX, (index: IndexEvent) => withoutSources(index, parts.sections));
  const project = await app.convert();
  if (project) {
    app.validate(project);
    await app.generateDocs(project, parts.out);
  }
  if (!project || app.logger.hasErrors() || app.logger.hasWarnings())
    throw new UserError(
      'the documentation has errors or warnings, printed above: correct the pages or docstrings that they name',
    );
}

/** Files of the project that pages link to are found by these links: a search looks into pages and the library. */
function withoutSources(index: IndexEvent, sections: readonly Section[]): void {
  const pages = new Set(sections.flatMap(({ pages }) => pages.map(({ path }) => path)));
  const isSource = (found: Reflection): boolean => found.isDocument() && !pages.has(String(found.frontmatter['page']));
  for (let i = index.searchResults.length - 1; i >= 0; i--) if (isSource(index.searchResults[i])) index.removeResult(i);
}

const options = ({ root, readme, documents }: SiteParts): TypeDocOptions & Record<string, unknown> => ({
  name: 'simclr-webgpu',
  entryPoints: Object.values(modules).map(({ entry }) => join(root, entry)),
  // What several modules have is told of the first of them.
  excludeReferences: true,
  // The library has a page of its own, beside the first page.
  alwaysCreateEntryPointModule: true,
  tsconfig: join(root, 'tsconfig.types.json'),
  basePath: root,
  readme,
  projectDocuments: [...documents],
  plugin: ['typedoc-plugin-missing-exports'],
  placeInternalsInOwningModule: true,
  excludeExternals: true,
  excludePrivate: true,
  disableGit: true,
  sourceLinkTemplate: '{path}',
  router: 'paths',
  theme: 'sections',
  customCss: join(root, 'scripts/docs/style.css'),
  headings: { readme: false, document: false },
  highlightLanguages: ['ts', 'js', 'sh', 'json', 'jsonl', 'yaml', 'python', 'wgsl', 'csv', 'html', 'dockerfile'],
  searchInComments: true,
  searchInDocuments: true,
  searchGroupBoosts: { Documents: 3 },
  sort: ['alphabetical'],
  groupOrder: areaOrder,
  hideGenerator: true,
  includeHierarchySummary: false,
  validation: { notExported: true, invalidLink: true, invalidPath: true, rewrittenLink: true, notDocumented: false },
});
