/** The library's symbols by area: that of a symbol is the folder of src/ that it is declared in. */
import { join, relative } from 'node:path';
import {
  type Application,
  Comment,
  CommentTag,
  type Context,
  Converter,
  type DeclarationReflection,
  type ProjectReflection,
  ReflectionKind,
} from 'typedoc';

/** What programs import, by the name that they import it by: where it begins, and its place on the site. */
export const modules: Readonly<Record<string, { entry: string; title: string; address: string }>> = {
  'simclr-webgpu': { entry: 'src/index.ts', title: 'Library', address: 'library' },
  'simclr-webgpu/browser': { entry: 'src/browser.ts', title: 'Library in browsers', address: 'library/browser' },
};

/** Areas in the order of the page, by folder. */
const areas: Readonly<Record<string, string>> = {
  gpu: 'GPU',
  graph: 'Graph',
  ops: 'Ops',
  nn: 'Networks',
  losses: 'Losses',
  optim: 'Optimizers',
  data: 'Data',
  ssl: 'What methods are made of',
  methods: 'Methods',
  train: 'Training, checkpoints and export',
  analysis: 'Evaluation',
  io: 'Files',
  mpi: 'Several processes',
  web: 'In a page',
  errors: 'Errors',
};

/** Types that are only met in signatures of others. */
const unexported = 'Types that are not exported';

export const areaOrder = [...Object.values(areas), unexported];

/** Has TypeDoc group the symbols of the library by area. Warns of one without a docstring. Error: a symbol of a folder that is no area. */
export function groupByArea(app: Application, root: string): void {
  const exported = new Set<DeclarationReflection>();
  // Before the plugin that adds types which are not exported, and after it.
  app.converter.on(
    Converter.EVENT_RESOLVE_BEGIN,
    ({ project }: Context) => symbolsOf(project).forEach((symbol) => exported.add(symbol)),
    2e9,
  );
  app.converter.on(
    Converter.EVENT_RESOLVE_BEGIN,
    ({ project }: Context) => {
      for (const symbol of symbolsOf(project)) {
        const isExported = exported.has(symbol);
        if (isExported && !isDocumented(symbol))
          app.logger.warn(`${symbol.name} of ${fileOf(symbol)} has no docstring`);
        const group = isExported ? areaOf(symbol, root) : unexported;
        symbol.comment ??= new Comment();
        symbol.comment.blockTags.push(new CommentTag('@group', [{ kind: 'text', text: group }]));
      }
    },
    -1e9,
  );
  // Places in files stay; there is no address to link them to.
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }: Context) => {
    for (const reflection of Object.values(project.reflections))
      if (reflection.isDeclaration() || reflection.isSignature())
        for (const source of reflection.sources ?? []) delete source.url;
  });
}

const symbolsOf = (project: ProjectReflection): DeclarationReflection[] =>
  project.getChildrenByKind(ReflectionKind.Module).flatMap((module) => module.children ?? []);

/** Functions have their docstrings at their signatures. */
const isDocumented = (reflection: DeclarationReflection): boolean =>
  reflection.hasComment() || (reflection.signatures ?? []).some((signature) => signature.hasComment());

const fileOf = (reflection: DeclarationReflection): string => reflection.sources?.[0]?.fullFileName ?? '';

function areaOf(reflection: DeclarationReflection, root: string): string {
  const [folder] = relative(join(root, 'src'), fileOf(reflection)).split(/[\\/.]/);
  const area = areas[folder];
  if (area === undefined)
    throw new Error(`${reflection.name} of ${fileOf(reflection)} is in no area: scripts/docs/library.ts`);
  return area;
}
