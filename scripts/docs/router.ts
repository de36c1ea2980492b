/** Addresses of pages are the paths of their files: docs/tasks/train.md is tasks/train.html. */
import { KindRouter, type Reflection, ReflectionKind } from 'typedoc';

export class PathRouter extends KindRouter {
  protected override getIdealBaseName(reflection: Reflection): string {
    if (reflection.isDocument()) return addressOf(String(reflection.frontmatter['page']));
    if (reflection.kindOf(ReflectionKind.Module)) return 'library';
    // Folders of ours are named after areas of the site; those of kinds lie in one.
    const name = reflection.getFullName().split('.').slice(1).join('.');
    return `library/${this.directories.get(reflection.kind)}/${this.getUrlSafeName(name)}`;
  }
}

/** Without the extension. */
const addressOf = (path: string): string =>
  path
    .replace(/^docs\//, '')
    .replace(/\.md$/, '')
    .replace(/^README$/, 'overview')
    .replace(/\/README$/, '/overview');
