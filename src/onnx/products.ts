/** Products of matrices, and what transformers do with them. */
import type { Translation, Translator } from './translator.ts';

const matmul: Translation = ({ inputs, outputs: [y], attrs: { transposeA, transposeB } }, at) => {
  const flags = { transA: Number(transposeA), transB: Number(transposeB) };
  at.put(y, {
    plain: at.graph.node(
      'Gemm',
      inputs.map((x) => at.plain(x)),
      flags,
    ),
  });
};

/** Matrices [B, rows, columns], each turned. */
const transposed = (at: Translator, value: string): string => at.graph.node('Transpose', [value], { perm: [0, 2, 1] });

const bmm: Translation = ({ inputs: [a, b], outputs: [y], attrs: { transposeA, transposeB } }, at) => {
  const [left, right] = [at.plain(a), at.plain(b)];
  const factors = [transposeA ? transposed(at, left) : left, transposeB ? transposed(at, right) : right];
  at.put(y, { plain: at.graph.node('MatMul', factors) });
};

const softmax: Translation = ({ inputs: [x], outputs: [y], attrs: { logarithm } }, at) => {
  at.put(y, { plain: at.graph.node(logarithm ? 'LogSoftmax' : 'Softmax', [at.plain(x)], { axis: -1 }) });
};

/** softmax(q kᵀ / √d) v. */
const attention: Translation = ({ inputs: [q, k, v], outputs: [y], attrs: { causal } }, at) => {
  if (causal) throw new Error('encoders of images see all patches');
  const { graph } = at;
  const scores = graph.node('MatMul', [at.plain(q), transposed(at, at.plain(k))]);
  const scaled = graph.node('Mul', [scores, graph.floats([1 / Math.sqrt(q.shape[2])])]);
  at.put(y, { plain: graph.node('MatMul', [graph.node('Softmax', [scaled], { axis: -1 }), at.plain(v)]) });
};

const layerNorm: Translation = ({ inputs, outputs: [y], attrs: { eps } }, at) => {
  const values = inputs.map((x) => at.plain(x));
  at.put(y, { plain: at.graph.node('LayerNormalization', values, { axis: -1, epsilon: { float: eps } }) });
};

export const productTranslations: Readonly<Record<string, Translation>> = {
  matmul,
  bmm,
  softmax,
  attention,
  layer_norm: layerNorm,
};
