/** The library's symbols by area: that of a symbol is the folder of src/ that it is declared in. */
import { join, relative } from 'node:path';
import {
  type Application,
  Comment,
  CommentTag,
  type Context,
  Converter,
  type DeclarationReflection,
  ReflectionKind,
} from 'typedoc';

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
  errors: 'Errors',
};

export const areaOrder = Object.values(areas);

/** Has TypeDoc group the symbols of the library by area. Error: a symbol of a folder that is none. */
export function groupByArea(app: Application, root: string): void {
  app.converter.on(
    Converter.EVENT_RESOLVE_BEGIN,
    ({ project }: Context) => {
      for (const reflection of project.getReflectionsByKind(ReflectionKind.All)) {
        if (!reflection.isDeclaration() || !reflection.parent?.kindOf(ReflectionKind.Module)) continue;
        if (!isDocumented(reflection)) app.logger.warn(`${reflection.name} of ${fileOf(reflection)} has no docstring`);
        reflection.comment ??= new Comment();
        reflection.comment.removeTags('@group');
        reflection.comment.blockTags.push(new CommentTag('@group', [{ kind: 'text', text: areaOf(reflection, root) }]));
      }
    },
    // After the plugin that adds types which are not exported.
    -1e9,
  );
  // Places in files stay; there is no address to link them to.
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }: Context) => {
    for (const reflection of Object.values(project.reflections))
      if ('sources' in reflection)
        for (const source of (reflection.sources as { url?: string }[]) ?? []) delete source.url;
  });
}

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
