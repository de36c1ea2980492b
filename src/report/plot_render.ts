/** Charts as files: echarts draws an SVG without a browser, resvg makes a PNG of it with the font that npm brings. */

import { createRequire } from 'node:module';
import type { EChartsCoreOption } from 'echarts/core';
import { textWidth } from './plot_style.ts';
import { legalXml } from './xml.ts';

export interface Chart {
  /** A complete SVG document. */
  readonly svg: string;
  /** The same at `pngScale` times its size. */
  readonly png: Buffer;
}

export interface ChartSize {
  readonly width: number;
  readonly height: number;
}

/** Pixels of the PNG for one of the SVG. */
const pngScale = 2;

/** The parts of echarts that the charts need. Loaded when the first chart is drawn: it takes a while. */
async function loadEcharts() {
  const [core, charts, components, renderers] = await Promise.all([
    import('echarts/core'),
    import('echarts/charts'),
    import('echarts/components'),
    import('echarts/renderers'),
  ]);
  core.use([
    charts.LineChart,
    charts.BarChart,
    charts.ScatterChart,
    charts.CustomChart,
    components.TitleComponent,
    components.GridComponent,
    components.LegendComponent,
    components.MarkLineComponent,
    renderers.SVGRenderer,
  ]);
  core.setPlatformAPI({
    measureText: (text, font) => ({ width: textWidth(text, Number(/(\d+(?:\.\d+)?)px/.exec(font ?? '')?.[1] ?? 12)) }),
  });
  return core;
}

let echarts: ReturnType<typeof loadEcharts> | undefined;

/** Draws what an option of echarts describes. */
export async function render(option: EChartsCoreOption, { width, height }: ChartSize): Promise<Chart> {
  const { init } = await (echarts ??= loadEcharts());
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({ animation: false, backgroundColor: '#ffffff', ...option });
  const svg = withoutCounters(chart.renderToSVGString());
  chart.dispose();
  return toChart(svg, pngScale);
}

/** Drops hover styles and what counts the charts of the process: a chart must not depend on those drawn before it. */
const withoutCounters = (svg: string): string =>
  svg
    .replace(/<style\b[\s\S]*?<\/style>/g, '')
    .replaceAll(/ class="zr\d+-cls-\d+"/g, '')
    .replaceAll(/zr\d+-/g, 'zr-');

/** Every figure goes through here: its SVG can be parsed whatever the names in it hold, and its PNG shows the same. */
export async function toChart(document: string, scale: number): Promise<Chart> {
  const svg = legalXml(document);
  return { svg, png: await svgToPng(svg, scale) };
}

/** An SVG as PNG. Text is drawn with DejaVu Sans alone, so that a server without fonts draws what any other does. */
async function svgToPng(svg: string, scale: number): Promise<Buffer> {
  const { Resvg } = await import('@resvg/resvg-js');
  const { resolve } = createRequire(import.meta.url);
  const fontFiles = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map((name) => resolve(`dejavu-fonts-ttf/ttf/${name}`));
  const font = { loadSystemFonts: false, fontFiles, defaultFontFamily: 'DejaVu Sans' };
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: scale } }).render().asPng();
}
