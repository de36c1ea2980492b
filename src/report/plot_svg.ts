/** Pieces of hand-written SVG, for figures that no chart library has: pictures with captions, matrices. */

import { PNG } from 'pngjs';
import { type Chart, toChart } from './plot_render.ts';
import { fontFamily, ink } from './plot_style.ts';
import { escapeXml } from './xml.ts';

export interface TextStyle {
  readonly size: number;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly bold?: boolean;
  readonly color?: string;
}

/** A line of text whose baseline is at y. */
export function text(x: number, y: number, words: string, { size, anchor = 'start', bold, color }: TextStyle): string {
  const weight = bold ? ' font-weight="bold"' : '';
  const fill = color ? ` fill="${color}"` : '';
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" text-anchor="${anchor}"${weight}${fill}>${escapeXml(words)}</text>`;
}

export const rect = (x: number, y: number, width: number, height: number, fill: string): string =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}"/>`;

export const round = (value: number): number => Math.round(value * 100) / 100;

export const dataUri = (type: string, content: Uint8Array | string): string =>
  `data:${type};base64,${Buffer.from(content).toString('base64')}`;

/** A figure that is a PNG already. */
export function ofPng(png: Buffer): Chart {
  const { width, height } = PNG.sync.read(png);
  const size = `width="${width}" height="${height}"`;
  const image = `<image ${size} href="${dataUri('image/png', png)}"/>`;
  return {
    svg: `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${width} ${height}">${image}</svg>`,
    png,
  };
}

/** A whole figure on white, as SVG and PNG. */
export function figure(width: number, height: number, parts: readonly string[], scale = 2): Promise<Chart> {
  const size = `width="${Math.ceil(width)}" height="${Math.ceil(height)}"`;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}"` +
    ` font-family="${fontFamily}" fill="${ink}"><rect width="100%" height="100%" fill="#ffffff"/>${parts.join('')}</svg>`;
  return toChart(svg, scale);
}
