/** Which network the tensors of a file are of. */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import {
  type Architecture,
  architectures,
  type EncoderShape,
  encoderInputs,
  isVit,
  labHalves,
  shapeOf,
} from '../nn/encoder_shape.ts';
import { withoutNetwork } from '../nn/module.ts';
import { baseChannels, resnetNames, resnets, stems } from '../nn/resnet.ts';
import { Bottleneck, norms } from '../nn/resnet_blocks.ts';
import type { TorchTensor } from '../nn/state_dict.ts';
import { positionKinds, vitNames, vits } from '../nn/vit.ts';

type Metadata = Readonly<Record<string, string>>;

/** The network that a file's metadata name; where they name none, the one that its tensors are of. */
export function shapeIn(tensors: ReadonlyMap<string, TorchTensor>, metadata: Metadata, path: string): EncoderShape {
  const told = toldShape(metadata);
  const patches = tensors.get('patch_embed.proj.weight') ?? tensors.get(`${labHalves[0]}/patch_embed.proj.weight`);
  if (patches) return vitShapeIn(tensors, patches.shape, told, path);
  const half = tensors.get(`${labHalves[0]}/conv1.weight`);
  const first = half ?? tensors.get('conv1.weight');
  const architecture = told.architecture ?? architectureIn(tensors);
  if (!first || !architecture) {
    throw new UserError(
      `${path}: not an encoder that this program knows; give a checkpoint of a run, an exported encoder, torchvision's resnet18, resnet34 or resnet50 (tensors conv1.weight, layer1.0.conv1.weight, …) or timm's vit_tiny, vit_small or vit_base (patch_embed.proj.weight, …) as safetensors`,
    );
  }
  const [count, , kernel] = first.shape;
  const channels = half ? 2 * count : count;
  return shapeOf({
    architecture,
    stem: told.stem ?? (kernel === 3 ? 'cifar' : 'imagenet'),
    width: told.width ?? (channels % (baseChannels / 4) === 0 ? channels / baseChannels : 1),
    norm: told.norm,
    input: told.input ?? (half ? 'lab-halves' : 'rgb'),
  });
}

/** A vision transformer: its tensors say how large its tokens, its patches and its grid of them are. */
function vitShapeIn(
  tensors: ReadonlyMap<string, TorchTensor>,
  [count, , patch]: TorchTensor['shape'],
  told: z.infer<typeof shapeSchema>,
  path: string,
): EncoderShape {
  const halves = !tensors.has('pos_embed');
  const places = tensors.get(halves ? `${labHalves[0]}/pos_embed` : 'pos_embed')?.shape[1] ?? 0;
  const grid = Math.sqrt(places - 1);
  const dimensions = halves ? 2 * count : count;
  const architecture = told.architecture ?? vitOf(dimensions);
  if (!architecture || !isVit(architecture) || !(grid >= 1 && Number.isInteger(grid)))
    throw new UserError(
      `${path}: a vision transformer that this program does not know: ${dimensions} numbers a token, ${places} places; give one of ${vitNames.join(', ')} with one class token and a square grid of patches`,
    );
  return shapeOf({
    ...{ architecture, stem: 'imagenet', patch, grid },
    width: told.width ?? dimensions / vits[architecture].dimensions,
    positions: told.positions ?? 'learned',
    input: told.input ?? (halves ? 'lab-halves' : 'rgb'),
  });
}

/** The vision transformer of so many numbers a token: at its own width, or at one that there is. */
const vitOf = (dimensions: number) =>
  vitNames.find((name) => vits[name].dimensions === dimensions) ??
  vitNames.find((name) => shapeSchema.safeParse({ width: dimensions / vits[name].dimensions }).success);

/** The architecture that has blocks of the kind and number that there are tensors of. */
function architectureIn(tensors: ReadonlyMap<string, TorchTensor>): Architecture | undefined {
  const names = new Set([...tensors.keys()].map(withoutNetwork));
  const blocks = new Set([...names].flatMap((name) => name.match(/^layer\d+\.\d+/) ?? []));
  const deep = names.has('layer1.0.conv3.weight');
  if (names.has('layer1.conv.weight')) return 'dcgan';
  return resnetNames.find((architecture) => {
    const { Block, blocks: lengths } = resnets[architecture];
    const own = lengths.flatMap((length, stage) => Array.from({ length }, (_, i) => `layer${stage + 1}.${i}`));
    return (Block === Bottleneck) === deep && own.length === blocks.size && own.every((name) => blocks.has(name));
  });
}

const shapeSchema = z.object({
  architecture: z.enum(architectures).optional(),
  stem: z.enum(stems).optional(),
  width: z.coerce.number().min(0.25).max(4).multipleOf(0.25).optional(),
  norm: z.enum(norms).optional(),
  input: z.enum(encoderInputs).optional(),
  positions: z.enum(positionKinds).optional(),
});

/** What the metadata of an exported encoder, or a checkpoint's settings in them, say of its network. */
function toldShape({
  settings,
  architecture,
  stem,
  width,
  norm,
  input,
  positions,
}: Metadata): z.infer<typeof shapeSchema> {
  const own = { architecture, stem, width, norm, input, positions };
  try {
    return shapeSchema.parse(settings === undefined ? own : JSON.parse(settings));
  } catch {
    return {}; // No words of ours: the tensors say it.
  }
}
