/** What steps leave, and how near it is to what others leave. */
import { expect } from 'vitest';
import type { State } from '../../src/graph/state.ts';
import type { Data, Tensor } from '../../src/graph/tensor.ts';
import { keptEntries } from '../../src/ssl/method.ts';
import { type StepParts, trainedParameters } from '../../src/ssl/step.ts';
import { relativeError } from '../ops/harness.ts';

export type Named = ReadonlyMap<string, Data>;

/** Values of a learner by name: weights with all that is kept beside them, and running statistics. */
export interface Values {
  readonly weights: Named;
  readonly running: Named;
}

export async function valuesOf(state: State, { learner }: Pick<StepParts, 'learner'>): Promise<Values> {
  const read = async (entries: ReturnType<typeof keptEntries>) => {
    const found = await state.readAll(entries.map(({ tensor }) => tensor));
    return new Map(entries.map(({ tensor }) => [tensor.name, found.get(tensor)!] as const));
  };
  const kept = Object.values(learner.kept ?? {}).flatMap(keptEntries);
  const isRunning = ({ tensor }: { readonly tensor: Tensor }) => tensor.name.includes('running');
  const buffers = learner.groups.flatMap(({ modules }) => modules.flatMap((module) => module.buffers));
  return {
    weights: await read([...trainedParameters(learner), ...kept.filter((entry) => !isRunning(entry))]),
    running: await read([...buffers, ...kept.filter(isRunning)]),
  };
}

export function expectNear(actual: Named, expected: Named, tolerance: number): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  for (const [name, values] of expected)
    expect(relativeError(actual.get(name)!, values), name).toBeLessThanOrEqual(tolerance);
}

/** Bit for bit; only names are told of what is not, as there are many numbers. */
export function expectSame(actual: Named, expected: Named): void {
  expect([...actual.keys()]).toEqual([...expected.keys()]);
  const bytes = ({ buffer, byteOffset, byteLength }: Data) => Buffer.from(buffer, byteOffset, byteLength);
  const others = [...expected].filter(([name, values]) => !bytes(actual.get(name)!).equals(bytes(values)));
  expect(others.map(([name]) => name)).toEqual([]);
}
