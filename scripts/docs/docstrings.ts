/** Docstrings as Markdown: what is indented in them, formulas and tables, keeps its lines. */
import { type Application, type Comment, type Context, Converter } from 'typedoc';

/** Has TypeDoc show indented paragraphs of docstrings as they stand. */
export function keepIndented(app: Application): void {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }: Context) => {
    const seen = new Set<Comment>();
    for (const { comment } of Object.values(project.reflections)) {
      // Declarations and their signatures may share one.
      if (!comment || seen.has(comment)) continue;
      seen.add(comment);
      for (const part of comment.summary) if (part.kind === 'text') part.text = fenced(part.text);
    }
  });
}

/** A paragraph all of whose lines are indented by two blanks or more, behind an empty line. */
const fenced = (text: string): string =>
  text.replace(/(?<=\n\n) {2,}\S[^\n]*(?:\n {2,}[^\n]*)*(?=\n\n|\n?$)/g, (lines) => {
    const indent = Math.min(...lines.split('\n').map((line) => line.search(/\S/)));
    return `\`\`\`text\n${lines
      .split('\n')
      .map((line) => line.slice(indent))
      .join('\n')}\n\`\`\``;
  });
