/** Addresses of pages are the paths of their files: docs/tasks/train.md is tasks/train.html. */
import { KindRouter, type Reflection, ReflectionKind } from 'typedoc';
import { modules } from './library.ts';

export class PathRouter extends KindRouter {
  protected override getIdealBaseName(reflection: Reflection): string {
    if (reflection.isDocument()) return addressOf(String(reflection.frontmatter['page']));
    const [module, ...names] = reflection.getFullName().split('.');
    const { address: folder } = modules[module];
    if (reflection.kindOf(ReflectionKind.Module)) return folder;
    // Folders of ours are named after areas of the site; those of kinds lie in one.
    return `${folder}/${this.directories.get(reflection.kind)}/${this.getUrlSafeName(names.join('.'))}`;
  }
}

/** Without the extension. */
const addressOf = (path: string): string =>
  path
    .replace(/^docs\//, '')
    .replace(/\.md$/, '')
    .replace(/^README$/, 'overview')
    .replace(/\/README$/, '/overview');
