import type { Chart } from './plot_render.ts';

/** A part of a report; HTML and Markdown are made of the same parts, so they say the same. */
export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'table';
      readonly head: readonly string[];
      /** The first cell of a row names it; the others are numbers. */
      readonly rows: readonly (readonly string[])[];
      readonly note?: string;
    }
  | {
      readonly kind: 'figure';
      /** File name without its ending. */
      readonly name: string;
      readonly caption: string;
      readonly chart: Chart;
    };

export interface Document {
  readonly title: string;
  readonly blocks: readonly Block[];
}
