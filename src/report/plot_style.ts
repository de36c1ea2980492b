/** How all charts look: colours that colour-blind people can tell apart, one font, sizes that survive being scaled down. */

/** Okabe and Ito's palette (2008), the colours with most contrast on white first. */
export const palette = [
  '#0072b2', // blue
  '#d55e00', // vermilion
  '#009e73', // bluish green
  '#e69f00', // orange
  '#cc79a7', // reddish purple
  '#56b4e9', // sky blue
  '#000000', // black
  '#b8a800', // yellow, darkened to show on white
] as const;

/** Groups of a scatter plot differ in shape as well as in colour. */
export const symbols = ['circle', 'triangle', 'rect', 'diamond'] as const;
/** Lines beyond the palette's length, and those that ask for it, differ in their dashes. */
export const dashes = ['solid', [9, 5], [2, 4]] as const;

/** The font shipped with the package; in an SVG shown elsewhere, fonts of about the same widths. */
export const fontFamily = 'DejaVu Sans, Verdana, Arial, sans-serif';

export const ink = '#222222';
export const faint = '#d9d9d9';

export const textSize = { title: 20, axis: 16, tick: 14, legend: 15 } as const;

/** Width of a letter of DejaVu Sans in units of the font size, on average: wide letters, narrow ones, the rest. */
export function textWidth(text: string, size: number): number {
  let width = 0;
  for (const letter of text) {
    if (/[MWmw@%]/.test(letter)) width += 0.9;
    else if (/[iIjlt.,:;'|! ()[\]]/.test(letter)) width += 0.36;
    else if (/[A-Z]/.test(letter)) width += 0.7;
    else width += 0.62;
  }
  return width * size;
}

/** The size at which a line of bold text is no wider than `width`: this one, or one that is smaller. */
export const fittingSize = (words: string, size: number, width: number): number =>
  Math.min(size, Math.floor((10 * size * width) / (1.1 * textWidth(words, size))) / 10);
