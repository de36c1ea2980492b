/** The tensors of a checkpoint by the names that files give them: `module.*`, `optimizer.<group>.*`, `kept.*`, `epoch.*`. */
import { UserError } from '../errors.ts';
import type { Data, Tensor } from '../graph/tensor.ts';
import { type StoredTensor, toFloat32 } from '../io/dtypes.ts';
import { checkNames, type NamedTensor, withoutNetwork } from '../nn/module.ts';
import type { TorchTensor } from '../nn/state_dict.ts';
import type { EpochData } from '../ssl/feeds.ts';
import { keptEntries } from '../ssl/method.ts';
import type { TracedStep } from '../ssl/step.ts';

/** Where in a file the values of a network are: behind this its tensors have their own names, torchvision's for a ResNet. */
export const modulePrefix = 'module.';
const keptPrefix = 'kept.';
export const epochPrefix = 'epoch.';

/** A tensor under a name for files. */
const under = (prefix: string, { tensor, torchShape }: NamedTensor, name = tensor.name): NamedTensor => ({
  tensor: tensor.named(prefix + name),
  torchShape,
});

/** A moment seen parameter by parameter: entries like those of the model, whose tensors are ranges of the flat moment. */
const momentEntries = (group: string, parameters: readonly NamedTensor[], moment: Tensor): readonly NamedTensor[] =>
  parameters.map(({ tensor, torchShape }) => ({
    tensor: tensor.rangeOf(moment, `optimizer.${group}.${moment.name}.${tensor.name}`),
    torchShape,
  }));

/** Every value of a training by the name that files give it. */
export function trainingEntries({ learner, groups }: Pick<TracedStep, 'learner' | 'groups'>): readonly NamedTensor[] {
  const ofGroups = groups.flatMap(({ declared, trained }) => {
    const parameters = declared.modules.flatMap((module) => module.parameters);
    const buffers = declared.modules.flatMap((module) => module.buffers);
    return [
      ...[...parameters, ...buffers].map((entry) => under(modulePrefix, entry)),
      ...trained.optimizer.state.flatMap(({ variable }) => momentEntries(declared.name, parameters, variable)),
    ];
  });
  const kept = Object.entries(learner.kept ?? {}).flatMap(([name, value]) =>
    'parameters' in value
      ? keptEntries(value).map((entry) => under(`${keptPrefix}${name}.`, entry, withoutNetwork(entry.tensor.name)))
      : [{ tensor: value.named(keptPrefix + name), torchShape: value.shape }],
  );
  const entries = [...ofGroups, ...kept];
  checkNames(entries);
  return entries;
}

/** PyTorch's counters of batches, which nothing here depends on. */
const batchCounter = /(^|\.)num_batches_tracked$/;

/**
 * Tensors as a file keeps them, with PyTorch's counter of batches beside each pair of running statistics.
 * @param steps of all, or of those of a name
 */
export function* stored(
  values: ReadonlyMap<string, TorchTensor>,
  steps: number | ((name: string) => number),
): Generator<readonly [string, StoredTensor]> {
  for (const [name, { shape, data }] of values) {
    yield [name, { dtype: 'F32', shape, data }];
    if (!name.endsWith('running_mean')) continue;
    const counter = name.replace(/running_mean$/, 'num_batches_tracked');
    const counted = typeof steps === 'number' ? steps : steps(name);
    yield [counter, { dtype: 'I64', shape: [], data: BigInt64Array.of(BigInt(counted)) }];
  }
}

/** What an epoch began with, as a file keeps it. */
export function* storedEpoch(data: EpochData): Generator<readonly [string, StoredTensor]> {
  for (const [name, values] of Object.entries(data)) {
    const dtype = values instanceof Float32Array ? 'F32' : values instanceof Uint32Array ? 'U32' : 'I32';
    yield [epochPrefix + name, { dtype, shape: [values.length], data: values }];
  }
}

export function epochDataOf(tensors: Iterable<readonly [string, StoredTensor]>): EpochData {
  const found: Record<string, Data> = {};
  for (const [name, { data }] of tensors)
    if (name.startsWith(epochPrefix)) found[name.slice(epochPrefix.length)] = data as Data;
  return found;
}

const floats: readonly StoredTensor['dtype'][] = ['F32', 'F16', 'BF16', 'F64'];

/** Tensors of a file in f32, by name; without counters of batches. UserError: one has integers. */
export function floatTensors(
  tensors: Iterable<readonly [string, StoredTensor]>,
  path: string,
): ReadonlyMap<string, TorchTensor> {
  const found = new Map<string, TorchTensor>();
  for (const [name, tensor] of tensors) {
    if (batchCounter.test(name)) continue;
    if (!floats.includes(tensor.dtype)) {
      throw new UserError(
        `${path}: tensor '${name}' has dtype ${tensor.dtype}, expected ${floats.join(', ')}; convert it, or give another file`,
      );
    }
    found.set(name, { shape: tensor.shape, data: toFloat32(tensor) });
  }
  return found;
}

/** The names that tensors of a former checkpoint have now. */
export const presentName = (name: string): string =>
  name.startsWith('optimizer.') ? name.replace(/^optimizer\./, 'optimizer.main.') : modulePrefix + name;

/** The values of the networks in a checkpoint, under their own names. */
export function moduleTensors({
  tensors,
}: {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
}): ReadonlyMap<string, TorchTensor> {
  const found = new Map<string, TorchTensor>();
  for (const [name, tensor] of tensors)
    if (name.startsWith(modulePrefix)) found.set(name.slice(modulePrefix.length), tensor);
  return found;
}
