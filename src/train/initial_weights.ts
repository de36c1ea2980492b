/** The weights that a run starts from where they are not drawn: `--init`. */
import type { State } from '../graph/state.ts';
import { type NamedTensor, withoutNetwork } from '../nn/module.ts';
import { fromTorch, type TorchTensor, withFittedPlaces, writeEntries } from '../nn/state_dict.ts';
import { type ImageFacts, keptEntries, type Learner } from '../ssl/method.ts';
import { learnerOf } from './learner.ts';
import type { TrainSettings } from './settings.ts';
import { loadEncoder } from './supervised_encoder.ts';

export interface InitialWeights {
  /** For messages: the file. */
  readonly path: string;
  /** The encoder's, under torchvision's names. */
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** Those of what the method has behind it; undefined: they are drawn. */
  readonly head: ReadonlyMap<string, TorchTensor> | undefined;
}

/** What is trained behind the encoder: a projection head, a classifier. */
function headEntries({ encoder, groups }: Learner): readonly NamedTensor[] {
  const own = new Set(encoder.parameters.map(({ tensor }) => tensor));
  return groups
    .flatMap(({ modules }) => modules)
    .filter(({ parameters }) => !parameters.some(({ tensor }) => own.has(tensor)))
    .flatMap(({ parameters, buffers }) => [...parameters, ...buffers]);
}

/** Those among the `fc.*` tensors of a file that are the head of a run with these settings on such images; undefined: they are not. */
export function fittingHead(
  settings: TrainSettings,
  images: ImageFacts,
  tensors: ReadonlyMap<string, TorchTensor>,
): ReadonlyMap<string, TorchTensor> | undefined {
  const entries = headEntries(learnerOf(settings, images));
  const fits = entries.every(({ tensor, torchShape }) => tensors.get(tensor.name)?.shape.join() === torchShape.join());
  return fits && entries.length > 0 && entries.length === tensors.size ? tensors : undefined;
}

/** Sets the weights and running statistics of a model, and of networks that follow it. UserError: they are of another architecture. */
export function loadInitialWeights(state: State, learner: Learner, { path, tensors, head }: InitialWeights): void {
  loadEncoder(state, learner.encoder, { path, tensors });
  if (head) writeEntries(state, headEntries(learner), head, path);
  const kept = Object.values(learner.kept ?? {}).flatMap(keptEntries);
  const { encoder } = learner;
  const all = withFittedPlaces([...encoder.parameters, ...encoder.buffers], new Map([...tensors, ...(head ?? [])]));
  for (const entry of kept) {
    const { name } = entry.tensor;
    const value = name === withoutNetwork(name) ? undefined : all.get(withoutNetwork(name));
    if (value) state.write(entry.tensor, fromTorch(entry, value.data));
  }
}
