/** The projection head in a file: its hidden layers, by the names of their tensors. */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { Naming } from '../io/checked.ts';
import { counted } from '../io/counted.ts';
import type { StoredTensor } from '../io/dtypes.ts';
import { firstMethod, methodIfKnown } from '../methods/index.ts';
import { type HeadShape, keptHead } from '../nn/headed_encoder.ts';
import type { TorchTensor } from '../nn/state_dict.ts';
import { floatTensors } from './checkpoint_tensors.ts';

/** What the files of classifiers say of the layers that theirs keep. */
export const headSchema = z.object({
  widths: z.array(z.number().int().min(1)).min(1).readonly(),
  batchNorm: z.boolean(),
  bias: z.boolean(),
  activation: z.enum(['relu', 'gelu']),
});

/** What methods call their projection heads. */
const heads = ['fc', 'projector'];

type Tensors = ReadonlyMap<string, StoredTensor>;
type Metadata = Readonly<Record<string, string>>;

interface FoundHead {
  readonly name: string;
  /** Of all hidden layers. */
  readonly shape: HeadShape;
}

/** The first layers of a projection head, their tensors under the names that `HeadedEncoder` has for them. */
export interface KeptHead {
  readonly shape: HeadShape;
  readonly tensors: ReadonlyMap<string, TorchTensor>;
}

/**
 * The first hidden layers, `layers` of them, of the projection head among a file's tensors.
 * @param name how errors call the setting `fromHeadLayer`
 * @throws UserError there is no head, it has fewer, or its method, and so its activation, is not known
 */
export function readHead(all: Tensors, metadata: Metadata, path: string, layers: number, name: Naming): KeptHead {
  const flag = name('fromHeadLayer');
  const found = toldHead(metadata, path) ?? headAmong(all, metadata, path, flag);
  const hidden = found?.shape.widths.length ?? 0;
  if (!found || hidden === 0) {
    throw new UserError(
      `${path}: has no projection head with a hidden layer (exported encoders have none); give a checkpoint of a run that has one, or omit ${flag}`,
      2,
    );
  }
  if (layers > hidden) {
    const has = counted(hidden, 'hidden layer');
    throw new UserError(`${path}: its projection head has ${has}; give ${flag} ${hidden} or less`, 2);
  }
  const own = [...all].filter(([tensor]) => tensor.startsWith(`${found.name}.`));
  const renamed = own.map(([tensor, value]) => [keptHead + tensor.slice(found.name.length), value] as const);
  return {
    shape: { ...found.shape, widths: found.shape.widths.slice(0, layers) },
    tensors: floatTensors(renamed, path),
  };
}

/** The layers that an exported encoder ends with, or that a classifier has kept, as their metadata say. */
function toldHead(metadata: Metadata, path: string): FoundHead | undefined {
  const exported = exportedHead(metadata, path);
  if (exported) return { name: keptHead, shape: exported };
  try {
    const { options } = JSON.parse(metadata['classifier'] ?? '{}');
    return { name: keptHead, shape: headSchema.parse(options.head) };
  } catch {
    return undefined; // The file of something else, or of a classifier that has kept none.
  }
}

/** UserError: the metadata are damaged. */
function exportedHead({ head }: Metadata, path: string): HeadShape | undefined {
  if (head === undefined) return undefined;
  try {
    return headSchema.parse(JSON.parse(head));
  } catch {
    throw new UserError(`${path}: its metadata are damaged; use another copy`);
  }
}

/** Layers of a projection head that an exported encoder ends with; 0: none, or not an exported encoder. UserError: damaged. */
export const layersInEncoder = (metadata: Metadata, path: string): number =>
  exportedHead(metadata, path)?.widths.length ?? 0;

/** A head under a name that methods have for it: linear layers, of which the last gives the embedding. */
function headAmong(all: Tensors, metadata: Metadata, path: string, flag: string): FoundHead | undefined {
  const name = heads.find((head) => all.has(`${head}.0.weight`));
  if (name === undefined) return undefined;
  const linear = [...all].filter(
    ([tensor, { shape }]) => tensor.startsWith(`${name}.`) && /\.\d+\.weight$/.test(tensor) && shape.length === 2,
  );
  const position = (tensor: string) => Number(tensor.split('.').at(-2));
  const outputs = linear.sort(([a], [b]) => position(a) - position(b)).map(([, { shape }]) => shape[0]);
  const shape = {
    widths: outputs.slice(0, -1),
    batchNorm: all.has(`${name}.1.running_mean`),
    bias: all.has(`${name}.0.bias`),
    activation: activationOf(metadata, path, flag),
  };
  return { name, shape };
}

/** Tensors do not say it. A file of no method of ours is one of PyTorch's with SimCLR's head. */
function activationOf({ settings }: Metadata, path: string, flag: string): HeadShape['activation'] {
  if (settings === undefined) return 'relu';
  const name = methodIn(settings, path);
  const method = methodIfKnown(name);
  if (method) return method.headActivation ?? 'relu';
  throw new UserError(
    `${path}: is of a method '${name}' that this program does not know, nor what its projection head computes; omit ${flag}`,
    2,
  );
}

/** The method that settings in a file's metadata name. UserError: they are none. */
export function methodIn(settings: string, path: string): string {
  try {
    return String((JSON.parse(settings) as { method?: unknown }).method ?? firstMethod.name);
  } catch {
    throw new UserError(`${path}: its metadata are damaged; use another checkpoint`);
  }
}
