/** Digests of networks in files: what is cached under one belongs to these very values. */
import { createHash } from 'node:crypto';
import type { EncoderShape } from '../nn/encoder_shape.ts';
import type { TorchTensor } from '../nn/state_dict.ts';
import { moduleTensors } from './checkpoint_tensors.ts';

type Tensors = ReadonlyMap<string, TorchTensor>;

/** SHA-256 of a method's name and of the values of its networks in a checkpoint. */
export const digestOf = (method: string, tensors: Tensors): string => digest(method, moduleTensors({ tensors }));

/** SHA-256 of an encoder's network and of its values. */
export function digestOfEncoder({ architecture, stem, norm, input }: EncoderShape, tensors: Tensors): string {
  return digest(`${architecture} ${stem}${norm ? ` ${norm}` : ''}${input ? ` ${input}` : ''}`, tensors);
}

function digest(title: string, tensors: Tensors): string {
  const hash = createHash('sha256').update(title);
  for (const [name, { data }] of tensors) hash.update(name).update(data);
  return hash.digest('hex');
}
