/** TypeDoc's own theme, with the pages by section in its navigation, and from each page a link to the next. */
import {
  DefaultTheme,
  type DocumentReflection,
  JSX,
  type NavigationElement,
  type PageEvent,
  type ProjectReflection,
  ReflectionKind,
} from 'typedoc';
import { modules } from './library.ts';
import type { Section } from './pages.ts';

/** @returns a theme for these sections, followed by the library */
export function sectionTheme(sections: readonly Section[]): typeof DefaultTheme {
  const order = sections.flatMap(({ pages }) => pages.map(({ path }) => path));

  return class SectionTheme extends DefaultTheme {
    override buildNavigation(project: ProjectReflection): NavigationElement[] {
      const pages = byPath(project);
      const link = (path: string): NavigationElement => {
        const document = pages.get(path)!;
        return { text: document.name, path: this.router.getFullUrl(document), kind: ReflectionKind.Document };
      };
      return [
        ...sections.map(({ title, pages }) => ({ text: title, children: pages.map(({ path }) => link(path)) })),
        ...this.#library(project),
      ];
    }

    /** The modules with their symbols by area. */
    #library(project: ProjectReflection): NavigationElement[] {
      return (project.getChildrenByKind(ReflectionKind.Module) ?? []).map((module) => ({
        text: modules[module.name].title,
        path: this.router.getFullUrl(module),
        kind: ReflectionKind.Module,
        children: (module.groups ?? []).map(({ title, children }) => ({
          text: title,
          children: children.map((child) => ({
            text: child.name,
            path: this.router.getFullUrl(child),
            kind: child.kind,
            class: this.getReflectionClasses(child),
          })),
        })),
      }));
    }

    override documentTemplate = (event: PageEvent<DocumentReflection>): JSX.Element => {
      const context = this.getRenderContext(event);
      const pages = byPath(event.project);
      const at = order.indexOf(pathOf(event.model));
      const beside = (path: string | undefined, rel: string): JSX.Children => {
        const document = path === undefined ? undefined : pages.get(path);
        return document && JSX.createElement('a', { href: context.urlTo(document), rel }, document.name);
      };
      const turns =
        at < 0
          ? null
          : JSX.createElement(
              'nav',
              { class: 'turns', 'aria-label': 'Neighbouring pages' },
              beside(order[at - 1], 'prev'),
              beside(order[at + 1], 'next'),
            );
      return JSX.createElement(JSX.Fragment, null, context.documentTemplate(event), turns);
    };
  };
}

const pathOf = (document: DocumentReflection): string => String(document.frontmatter['page']);

const byPath = (project: ProjectReflection): Map<string, DocumentReflection> =>
  new Map((project.documents ?? []).map((document) => [pathOf(document), document]));
