/** Ops that move elements or add them up along axes. */
import { elements, type Shape, type Tensor } from '../graph/tensor.ts';
import { mapAxis, ofBatch, type Translation, type Translator, tracedBatch } from './translator.ts';

const reshape: Translation = ({ inputs: [x], outputs: [y] }, at) => {
  at.put(y, { plain: at.reshape(at.plain(x), y.shape) });
};

const permute: Translation = ({ inputs: [x], outputs: [y], attrs: { axes, flipped } }, at) => {
  if (flipped.some(Boolean)) throw new Error('no axis of a model for inference is turned backwards');
  at.put(y, { plain: at.graph.node('Transpose', [at.plain(x)], { perm: axes }) });
};

const slice: Translation = ({ inputs: [x], outputs: [y], attrs: { start, step } }, at) => {
  const axes = x.shape.flatMap((size, axis) => (size === y.shape[axis] ? [] : [axis]));
  const ends = axes.map((axis) => start[axis] + step[axis] * (y.shape[axis] - 1) + 1);
  const told = [axes.map((axis) => start[axis]), ends, axes, axes.map((axis) => step[axis])];
  at.put(y, { plain: at.graph.node('Slice', [at.plain(x), ...told.map((list) => at.graph.integers(list))]) });
};

const concat: Translation = ({ inputs, outputs: [y], attrs: { axis } }, at) => {
  const areMaps = inputs.every((x) => at.isMap(x));
  const values = inputs.map((x) => (areMaps ? at.map(x) : at.plain(x)));
  const joined = at.graph.node('Concat', values, { axis: areMaps ? mapAxis(axis) : axis });
  at.put(y, areMaps ? { map: joined } : { plain: joined });
};

/** Copies along axes. Where one of those is the batch's, its length is read from the images, which every model has. */
const expand =
  (images: Tensor): Translation =>
  ({ inputs: [x], outputs: [y] }, at) => {
    const own = [...Array(y.shape.length - x.shape.length).fill(1), ...x.shape];
    // An axis of the batch that is there keeps its length.
    const wanted = y.shape.map((size, axis) => (ofBatch(size) && ofBatch(own[axis]) ? 1 : size));
    const shape = wanted.some(ofBatch)
      ? at.graph.node('Concat', sizesOf(wanted, images, at), { axis: 0 })
      : at.graph.integers(wanted);
    at.put(y, { plain: at.graph.node('Expand', [at.plain(x), shape]) });
  };

/** Each size as a value of one i64. */
function sizesOf(shape: Shape, images: Tensor, at: Translator): readonly string[] {
  return shape.map((size) => {
    if (!ofBatch(size)) return at.graph.integers([size]);
    const n = at.graph.node('Shape', [at.image(images)!], { start: 0, end: 1 });
    return size === tracedBatch ? n : at.graph.node('Mul', [n, at.graph.integers([size / tracedBatch])]);
  });
}

/** Sums, and means, which are sums with a scale, over neighbouring axes. */
const sum: Translation = ({ inputs: [x], outputs: [y], attrs: { first, last, shape, scale } }, at) => {
  const axes = x.shape.map((_, axis) => axis).slice(first, last + 1);
  const isKept = shape.length === x.shape.length;
  const asMap = isKept && at.isMap(x);
  const isMean = Math.abs(scale * elements(x.shape.slice(first, last + 1)) - 1) < 1e-9;
  if (!isMean) throw new Error('models for inference have means and no sums');
  const value = at.graph.node('ReduceMean', [asMap ? at.map(x) : at.plain(x)], {
    axes: asMap ? axes.map(mapAxis) : axes,
    keepdims: Number(isKept),
  });
  at.put(y, asMap ? { map: value } : { plain: value });
};

/** @param images the model's input, of which the batch's length is read */
export const shapeTranslations = (images: Tensor): Readonly<Record<string, Translation>> => ({
  reshape,
  permute,
  slice,
  concat,
  expand: expand(images),
  sum,
});
