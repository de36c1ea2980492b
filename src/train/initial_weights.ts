/** The weights that a run starts from where they are not drawn: `--init`. */
import type { State } from '../graph/state.ts';
import { entriesOf, type TorchTensor, writeEntries } from '../nn/state_dict.ts';
import { SimClr } from '../ssl/simclr.ts';
import { modelOptions, type TrainSettings } from './settings.ts';
import { loadEncoder } from './supervised_encoder.ts';

export interface InitialWeights {
  /** For messages: the file. */
  readonly path: string;
  /** The encoder's, under torchvision's names. */
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** The projection head's; undefined: it is drawn. */
  readonly head: ReadonlyMap<string, TorchTensor> | undefined;
}

/** Those among the `fc.*` tensors of a file that are the projection head of a run with these settings; undefined: they are not. */
export function fittingHead(
  settings: TrainSettings,
  tensors: ReadonlyMap<string, TorchTensor>,
): ReadonlyMap<string, TorchTensor> | undefined {
  const entries = entriesOf(new SimClr(modelOptions(settings)).head);
  const fits = entries.every(({ tensor, torchShape }) => tensors.get(tensor.name)?.shape.join() === torchShape.join());
  return fits && entries.length === tensors.size ? tensors : undefined;
}

/** Sets the weights and running statistics of a model. UserError: they are of another architecture. */
export function loadInitialWeights(state: State, model: SimClr, { path, tensors, head }: InitialWeights): void {
  loadEncoder(state, model, { path, tensors });
  if (head) writeEntries(state, entriesOf(model.head), head, path);
}
