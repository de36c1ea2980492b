import type { LabChannel } from '../ops/rgb_to_lab.ts';
import type { GraphBuilder } from './builder.ts';
import type { Translation } from './translator.ts';

/** XYZ of linear light, each over its value for the white of D65: `ops/rgb_to_lab.ts` has the formulas. */
const xyzOverWhite = [
  [0.412453, 0.35758, 0.180423].map((weight) => weight / 0.95047),
  [0.212671, 0.71516, 0.072169],
  [0.019334, 0.119193, 0.950227].map((weight) => weight / 1.08883),
];

/** L, a and b of f(X), f(Y), f(Z): a row of weights, and what is added. */
const labOf: Readonly<Record<LabChannel['of'], { readonly weights: readonly number[]; readonly bias: number }>> = {
  L: { weights: [0, 116, 0], bias: -16 },
  a: { weights: [500, -500, 0], bias: 0 },
  b: { weights: [0, 200, -200], bias: 0 },
};

const perChannel = (graph: GraphBuilder, values: readonly number[]): string => graph.floats(values, [1, 3, 1, 1]);

/** sRGB's curve undone. */
function linearLight(graph: GraphBuilder, c: string): string {
  const lifted = graph.node('Div', [graph.node('Add', [c, graph.floats([0.055])]), graph.floats([1.055])]);
  const curved = graph.node('Pow', [lifted, graph.floats([2.4])]);
  const isCurved = graph.node('Greater', [c, graph.floats([0.04045])]);
  return graph.node('Where', [isCurved, curved, graph.node('Div', [c, graph.floats([12.92])])]);
}

/** The cube root, but straight near 0. */
function compressed(graph: GraphBuilder, t: string): string {
  const root = graph.node('Pow', [graph.node('Max', [t, graph.floats([0.008])]), graph.floats([1 / 3])]);
  const straight = graph.node('Add', [graph.node('Mul', [t, graph.floats([7.787])]), graph.floats([16 / 116])]);
  return graph.node('Where', [graph.node('Greater', [t, graph.floats([0.008856])]), root, straight]);
}

/** Sums over channels are convolutions of one pixel. What follows sees three channels: the fourth is 0. */
const rgbToLab: Translation = ({ inputs: [x], outputs: [y], attrs }, at) => {
  const { graph } = at;
  const { mean, std, channels } = attrs as {
    mean: readonly number[];
    std: readonly number[];
    channels: readonly LabChannel[];
  };
  const image = at.image(x);
  if (image === undefined) throw new Error(`${x}: Lab is of images`);
  const colours = graph.node('Add', [graph.node('Mul', [image, perChannel(graph, std)]), perChannel(graph, mean)]);
  const clipped = graph.node('Clip', [colours, graph.floats([0], []), graph.floats([1], [])]);
  const xyz = graph.node('Conv', [linearLight(graph, clipped), graph.floats(xyzOverWhite.flat(), [3, 3, 1, 1])]);
  const rows = [0, 1, 2].map((c) => {
    const channel = channels[c];
    if (!channel) return { weights: [0, 0, 0], bias: 0 };
    const { weights, bias } = labOf[channel.of];
    return { weights: weights.map((w) => w * channel.scale), bias: (bias - channel.center) * channel.scale };
  });
  const weights = graph.floats(
    rows.flatMap((row) => row.weights),
    [3, 3, 1, 1],
  );
  const bias = graph.floats(rows.map((row) => row.bias));
  at.put(y, { image: graph.node('Conv', [compressed(graph, xyz), weights, bias]) });
};

export const labTranslations: Readonly<Record<string, Translation>> = { rgb_to_lab: rgbToLab };
