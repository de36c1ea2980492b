/** What stands in a folder of Hugging Face's for an encoder: its settings, how images are prepared for it, and its tensors' names there. */
import type { Preparation } from '../data/preparation.ts';
import type { EncoderShape } from '../nn/encoder_shape.ts';
import { isResNet, isVit } from '../nn/encoder_shape.ts';
import { baseChannels, type ResNetName, resnets } from '../nn/resnet.ts';
import { Bottleneck } from '../nn/resnet_blocks.ts';
import type { TorchTensor } from '../nn/state_dict.ts';
import { type VitName, vits } from '../nn/vit.ts';
import { namedByTransformers } from './hugging_face_names.ts';

/** Names that a model has there for what transformers.js's image-feature-extraction gives, without and with `pool: true`. */
export const huggingFaceOutputs = ['image_embeds', 'pooler_output'] as const;
export const huggingFaceInput = 'pixel_values';

/** The file that has the tensors in such a folder. */
export const huggingFaceWeights = 'model.safetensors';

/** An encoder for such a folder. */
export interface Described {
  readonly shape: EncoderShape;
  readonly dimensions: number;
  readonly preparation: Preparation;
  /** Whether its features are those behind layers of a projection head. */
  readonly headed: boolean;
}

type Config = Readonly<Record<string, unknown>>;

/** What transformers calls the same network; undefined: it has none. */
function knownAs({ shape, headed, preparation }: Described): 'resnet' | 'vit' | undefined {
  const { architecture, stem, norm, input, patch = 0, grid = 0 } = shape;
  if (input || headed) return undefined;
  if (isResNet(architecture)) return stem === 'imagenet' && !norm ? 'resnet' : undefined;
  return isVit(architecture) && patch * grid === preparation.imageSize ? 'vit' : undefined;
}

/**
 * `config.json`. Networks that transformers does not have are called `simclr-webgpu`: transformers.js takes them for any network with an
 * ONNX model, and warns; Python says that it does not know them.
 */
export function huggingFaceConfig(encoder: Described): Config {
  const { architecture, width, patch = 0, grid = 0 } = encoder.shape;
  const type = knownAs(encoder);
  // Else transformers.js would look for a quantised model in browsers.
  const shared = { torch_dtype: 'float32', 'transformers.js_config': { dtype: 'fp32' } };
  if (type === 'resnet') return { ...resnetConfig(architecture as ResNetName, width), ...shared };
  if (type === 'vit') return { ...vitConfig(architecture as VitName, width, patch, grid), ...shared };
  return { model_type: 'simclr-webgpu', architecture, hidden_size: encoder.dimensions, ...shared };
}

function resnetConfig(architecture: ResNetName, width: number): Config {
  const { Block, blocks } = resnets[architecture];
  const base = baseChannels * width;
  return {
    ...{ architectures: ['ResNetModel'], model_type: 'resnet', num_channels: 3, hidden_act: 'relu' },
    ...{ embedding_size: base, hidden_sizes: blocks.map((_, stage) => base * 2 ** stage * Block.expansion) },
    ...{ depths: blocks, layer_type: Block === Bottleneck ? 'bottleneck' : 'basic' },
    ...{ downsample_in_first_stage: false, downsample_in_bottleneck: false },
  };
}

function vitConfig(architecture: VitName, width: number, patch: number, grid: number): Config {
  const { dimensions, depth, heads } = vits[architecture];
  const size = dimensions * width;
  return {
    ...{ architectures: ['ViTModel'], model_type: 'vit', num_channels: 3, hidden_act: 'gelu', layer_norm_eps: 1e-6 },
    ...{ hidden_size: size, num_hidden_layers: depth, num_attention_heads: heads, intermediate_size: 4 * size },
    ...{ image_size: patch * grid, patch_size: patch, qkv_bias: true },
    ...{ hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 },
  };
}

/** PIL's number of Lanczos' kernel. */
const lanczos = 1;

/** `preprocessor_config.json`: the shorter side is resized and the longer one cut to its centre, then colours are normalised. */
export const preprocessorConfig = ({ imageSize, mean, std }: Preparation): Config => ({
  ...{ image_processor_type: 'CLIPImageProcessor', do_convert_rgb: true },
  ...{ do_resize: true, size: { shortest_edge: imageSize }, resample: lanczos },
  ...{ do_center_crop: true, crop_size: { height: imageSize, width: imageSize } },
  ...{ do_rescale: true, rescale_factor: 1 / 255, do_normalize: true, image_mean: mean, image_std: std },
});

/** Tensors under the names that transformers has for them; under their own where it does not have the network. */
export const huggingFaceTensors = (
  encoder: Described,
  tensors: ReadonlyMap<string, TorchTensor>,
): ReadonlyMap<string, TorchTensor> => (knownAs(encoder) ? namedByTransformers(tensors) : tensors);
