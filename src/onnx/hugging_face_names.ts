/** Names of tensors in transformers: one table, read one way by what writes files for it and the other way by what reads them. */
import { allocate, bytesOf, type StoredTensor } from '../io/dtypes.ts';
import type { TorchTensor } from '../nn/state_dict.ts';

/**
 * Beginnings of names: torchvision's or timm's, and those that transformers has for the same. `{n}` stands for a number that is counted from
 * n. Where it has several, each is a tensor of as many rows, which stand in one tensor here in this order.
 */
const beginnings: readonly (readonly [own: string, ...theirs: string[]])[] = [
  // ResNetModel
  ['conv1.', 'embedder.embedder.convolution.'],
  ['bn1.', 'embedder.embedder.normalization.'],
  ['layer{1}.{0}.conv{1}.', 'encoder.stages.{0}.layers.{0}.layer.{0}.convolution.'],
  ['layer{1}.{0}.bn{1}.', 'encoder.stages.{0}.layers.{0}.layer.{0}.normalization.'],
  ['layer{1}.{0}.downsample.0.', 'encoder.stages.{0}.layers.{0}.shortcut.convolution.'],
  ['layer{1}.{0}.downsample.1.', 'encoder.stages.{0}.layers.{0}.shortcut.normalization.'],
  // ViTModel
  ['cls_token', 'embeddings.cls_token'],
  ['pos_embed', 'embeddings.position_embeddings'],
  ['patch_embed.proj.', 'embeddings.patch_embeddings.projection.'],
  ['blocks.{0}.norm1.', 'encoder.layer.{0}.layernorm_before.'],
  [
    'blocks.{0}.attn.qkv.',
    ...['query', 'key', 'value'].map((part) => `encoder.layer.{0}.attention.attention.${part}.`),
  ],
  ['blocks.{0}.attn.proj.', 'encoder.layer.{0}.attention.output.dense.'],
  ['blocks.{0}.norm2.', 'encoder.layer.{0}.layernorm_after.'],
  ['blocks.{0}.mlp.fc1.', 'encoder.layer.{0}.intermediate.dense.'],
  ['blocks.{0}.mlp.fc2.', 'encoder.layer.{0}.output.dense.'],
  ['norm.', 'layernorm.'],
];

const counted = /\{(\d)\}/g;

/** A name that begins as `from` does, beginning as `to` does; undefined: it does not. */
function renamed(name: string, from: string, to: string): string | undefined {
  const found = new RegExp(`^${from.replaceAll('.', '\\.').replace(counted, '(\\d+)')}`).exec(name);
  if (!found) return undefined;
  const [beginning, ...numbers] = found;
  const starts = [...from.matchAll(counted)].map(([, start]) => Number(start));
  let i = 0;
  const other = to.replace(counted, (_, start) => {
    const steps = Number(numbers[i]) - starts[i++];
    return String(steps + Number(start));
  });
  return other + name.slice(beginning.length);
}

/** Tensors of a network that transformers has, under its names. */
export function namedByTransformers(tensors: ReadonlyMap<string, TorchTensor>): ReadonlyMap<string, TorchTensor> {
  const entries = [...tensors].flatMap(([name, { shape, data }]) => {
    const [own, ...theirs] = beginnings.find(([own]) => renamed(name, own, own) !== undefined)!;
    const length = data.length / theirs.length;
    return theirs.map((beginning, i) => {
      const part = {
        shape: shape.with(0, shape[0] / theirs.length),
        data: data.subarray(i * length, (i + 1) * length),
      };
      return [renamed(name, own, beginning)!, part] as const;
    });
  });
  return new Map(entries);
}

/**
 * Tensors of a file under torchvision's and timm's names where they have those of transformers, be it a model or one with a classifier; all
 * others, and parts of a tensor that are not all there, are as they are.
 */
export function namedAsHere(tensors: ReadonlyMap<string, StoredTensor>): ReadonlyMap<string, StoredTensor> {
  const named = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors) {
    const found = ofTransformers(name);
    if (found && named.has(found.own)) continue; // another part of it came first
    const whole = found && joined(found.parts.map((part) => tensors.get(part)));
    named.set(whole ? found.own : name, whole ?? tensor);
  }
  return named;
}

/** What a name of transformers is here, and the names of all parts of that tensor there, in their order; undefined: it is none. */
function ofTransformers(name: string): { own: string; parts: readonly string[] } | undefined {
  // What networks are called within models of several parts, such as ViTForImageClassification.
  const [model = ''] = /^(resnet|vit)\./.exec(name) ?? [];
  const theirs = name.slice(model.length);
  for (const [beginning, ...all] of beginnings)
    for (const one of all) {
      const own = renamed(theirs, one, beginning);
      if (own !== undefined) return { own, parts: all.map((part) => model + renamed(theirs, one, part)) };
    }
  return undefined;
}

/** One tensor of the rows of several, in their order; undefined: one is not there, or of another kind. */
function joined(parts: readonly (StoredTensor | undefined)[]): StoredTensor | undefined {
  const [first] = parts;
  if (parts.length === 1 || !first) return first;
  const alike = (part: StoredTensor | undefined): part is StoredTensor =>
    part?.dtype === first.dtype && part.shape.join() === first.shape.join();
  if (!parts.every(alike)) return undefined;
  const data = allocate(first.dtype, parts.length * first.data.length);
  const bytes = bytesOf(data);
  parts.forEach(({ data: rows }, i) => {
    bytes.set(bytesOf(rows), i * rows.byteLength);
  });
  return { dtype: first.dtype, shape: [parts.length * first.shape[0], ...first.shape.slice(1)], data };
}
