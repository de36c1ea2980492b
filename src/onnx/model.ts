import type { Preparation } from '../data/preparation.ts';
import { UserError } from '../errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { input, trace } from '../graph/trace.ts';
import type { Encoder } from '../nn/encoder.ts';
import type { Module } from '../nn/module.ts';
import { entriesOf, type TorchTensor } from '../nn/state_dict.ts';
import { GraphBuilder } from './builder.ts';
import { elementwiseTranslations } from './elementwise.ts';
import { labTranslations } from './lab.ts';
import { mapTranslations } from './maps.ts';
import { inputPort, type ModelInput, preparedImages } from './preparation.ts';
import { productTranslations } from './products.ts';
import { shapeTranslations } from './shapes.ts';
import { type Translation, Translator, tracedBatch } from './translator.ts';

/** What a protobuf message can hold, and so a file of ONNX without others beside it; less the nodes, whose names are counted generously. */
const mostBytes = 2 ** 31 - 2 ** 22;

export interface ModelOptions {
  /** What it is given; `normalized` by default. */
  readonly takes?: ModelInput;
  readonly preparation: Preparation;
  /** What the input is called, and the features, which may have several names; `images` and `features` by default. */
  readonly inputName?: string;
  readonly outputNames?: readonly string[];
  /** What is told of the model (metadata_props). */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The bytes of an ONNX model that computes what an encoder of images does in inference: RGB images [N, 3, H, W] of any number → features
 * [N, dimensions], f32. The encoder's forward pass is traced, and each of its nodes becomes nodes of ONNX.
 *
 * @param tensors values of the encoder's parameters and buffers in PyTorch's layout, by name
 * @throws UserError the model is larger than a file of ONNX can be
 */
export function onnxModel(
  encoder: Module & Encoder,
  tensors: ReadonlyMap<string, TorchTensor>,
  { takes = 'normalized', preparation, inputName = 'images', outputNames = ['features'], metadata = {} }: ModelOptions,
): Uint8Array {
  const graph = new GraphBuilder();
  const given = inputPort(graph.input(inputName), takes, preparation);
  const images = graph.within('preparation', () => preparedImages(graph, given.name, takes, preparation));
  const features = translated(graph, encoder, tensors, images, preparation.imageSize);
  for (const name of outputNames) graph.output(features, name);
  if (graph.bytes > mostBytes) {
    const size = (graph.bytes / 2 ** 30).toFixed(1);
    throw new UserError(`the encoder has ${size} GiB of weights, and ONNX files hold 2; export it as safetensors`);
  }
  const outputs = outputNames.map((name) => ({
    ...{ name, type: 'float' as const },
    shape: ['batch', encoder.dimensions],
  }));
  return graph.encode('encoder', [given], outputs, metadata);
}

/** Adds the nodes of an encoder. @param images the value that it is given, [N, 3, size, size] @returns the features */
function translated(
  graph: GraphBuilder,
  encoder: Module & Encoder,
  tensors: ReadonlyMap<string, TorchTensor>,
  images: string,
  size: number,
): string {
  const x = input('images', [tracedBatch, size, size, 4], 'f32');
  const { graph: traced, result } = trace(() => encoder.forward(x, { training: false }));
  const at = new Translator(graph, entriesOf(encoder), tensors);
  at.put(x, { image: images });
  const translations = translationsFor(x);
  for (const node of traced.nodes) {
    const translation = translations[node.op.name];
    if (!translation) throw new Error(`${node.label}: there is no ONNX for ${node.op.name}`);
    graph.within(partOf(node.label), () => translation(node, at));
  }
  return at.plain(result);
}

const translationsFor = (images: Tensor): Readonly<Record<string, Translation>> => ({
  ...mapTranslations,
  ...elementwiseTranslations,
  ...shapeTranslations(images),
  ...productTranslations,
  ...labTranslations,
});

/** The part of a network that a traced node is of: `layer1.0.conv1` of `layer1.0.conv1/conv2d`. */
const partOf = (label: string): string => label.slice(0, Math.max(0, label.lastIndexOf('/')));
