/** What the checks of whole networks share: weights and images by formula, and steps of a learner on fixed views. */
import { setImmediate } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ImageSource } from '../../src/data/source.ts';
import { Program } from '../../src/graph/program.ts';
import { State } from '../../src/graph/state.ts';
import { elements, type Node, type Tensor } from '../../src/graph/tensor.ts';
import { constant } from '../../src/graph/trace.ts';
import { type NamedTensor, withoutNetwork } from '../../src/nn/module.ts';
import { fromTorch, readEntries, type TorchTensor, toTorch, writeEntries } from '../../src/nn/state_dict.ts';
import { keptEntries, type Learner } from '../../src/ssl/method.ts';
import { phaseRuns } from '../../src/ssl/phase_runs.ts';
import { plainPhase, type StepParts, trainedParameters } from '../../src/ssl/step.ts';
import { trainedGroups } from '../../src/ssl/trace_step.ts';
import type { TrainSettings } from '../../src/train/settings.ts';
import { noise } from '../ops/harness.ts';
import { interpret, type Values } from '../reference/interpreter.ts';
import { channelsLast, type Device, norm } from './harness.ts';

/** CRC-32 of a name in ASCII (zlib's, which Node 20.9 does not show). */
function crc32(name: string): number {
  let crc = 0xffffffff;
  for (const character of name) {
    crc ^= character.charCodeAt(0);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** The weights that files of whole networks were made with, by the formula in their metadata. */
export function formulaWeight({ tensor, torchShape: shape }: NamedTensor): TorchTensor {
  const name = withoutNetwork(tensor.name);
  const seed = crc32(name) & 0xffff;
  const size = elements(shape);
  if (shape.length > 1) return { shape, data: noise(size, seed, Math.sqrt(3 / elements(shape.slice(1)))) };
  return { shape, data: noise(size, seed, 0.1, name.endsWith('.weight') ? 1 : 0) };
}

/** Views by formula, NCHW, as [count, size, size, 4] with the fourth channel zero. */
export function formulaViews(count: number, size: number): Float32Array {
  const { data } = channelsLast({ shape: [count, 3, size, size], data: noise(count * 3 * size * size, 100, 0.5, 0.5) });
  const padded = new Float32Array(count * size * size * 4);
  for (let i = 0; i < data.length; i++) padded[Math.floor(i / 3) * 4 + (i % 3)] = data[i];
  return padded;
}

/** Norms within a share of what they are to be, of the very same names; `small` norms are compared absolutely. */
export function expectNorms(
  what: string,
  expected: Record<string, number>,
  tensors: ReadonlyMap<string, TorchTensor>,
  { tolerance = 0.01, small = 0 } = {},
): void {
  expect([...tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) {
    const error = Math.abs(norm(tensors.get(name)!.data) - value) / Math.max(value, small);
    expect(error, `${what}: norm of ${name}`).toBeLessThan(tolerance);
  }
}

/** What a step gave: its loss, its gradients by name, and the rows that nodes with a label made. */
export interface StepResult {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, TorchTensor>;
  readonly rows: Readonly<Record<string, Float32Array>>;
}

/** The first half of the images as one view, the rest as the other. */
export function twoViews(n: number, size: number): Tensor[] {
  const all = formulaViews(2 * n, size);
  const half = all.length / 2;
  return [0, 1].map((v) => constant(`view ${v}`, all.slice(v * half, (v + 1) * half), [n, size, size, 4]));
}

/**
 * Runs steps of a learner on fixed views, from weights by formula; `visit` is given each result. `labels`: of nodes whose outputs are to
 * be returned. Returns the entries' values after the last step, by name without their network's.
 */
export async function runSteps(
  learner: Learner,
  views: readonly Tensor[],
  settings: TrainSettings,
  { device, steps, labels, first }: RunOptions,
  visit: (step: number, result: StepResult) => void,
): Promise<(entries: readonly NamedTensor[]) => ReadonlyMap<string, TorchTensor>> {
  const groups = trainedGroups(learner, settings);
  const fixed: Learner = { ...learner, step: (_views, feeds) => learner.step(views, feeds) };
  const count = settings.batchSize;
  const set = { name: 'fixed views', count, height: 1, width: 1, skipped: [], read: () => {} };
  const source = { set, images: () => views[0], inputs: () => ({}) } as unknown as ImageSource;
  const parts: StepParts = { learner: fixed, views: [], source, settings };
  const phase = plainPhase(parts, groups);
  const outputs = (op: RegExp): Tensor[] => phase.graph.nodes.filter(({ label }) => op.test(label)).map(firstOutput);
  const [flat] = outputs(/^flatten$/);
  const kept = Object.values(learner.kept ?? {}).flatMap(keptEntries);
  const parameters = trainedParameters(learner);
  const buffers = learner.groups.flatMap(({ modules }) => modules.flatMap((module) => module.buffers));
  const given = new Map<Tensor, TorchTensor>(first);
  const isParameter = ({ tensor }: NamedTensor) => /\.(weight|bias)$/.test(tensor.name);
  for (const entry of [...parameters, ...kept.filter(isParameter)]) given.set(entry.tensor, formulaWeight(entry));
  const entries = [...parameters, ...buffers, ...kept];
  const run = device === 'reference' ? onReference : onDevice;
  const wanted: Record<string, Tensor> = { loss: phase.outputs['loss'], flat };
  for (const label of labels)
    for (const [i, tensor] of outputs(label).entries()) wanted[`${label.source}#${i}`] = tensor;
  const inputs = (step: number) => {
    const indices = Uint32Array.from({ length: count }, (_, i) => i);
    return [...phaseRuns({ learner: fixed, groups, phases: [phase] }, parts, indices, { step, epoch: 0 })][0].inputs;
  };
  const byName = (values: Record<string, Float32Array>): StepResult => {
    const { loss, flat: all, ...rows } = values;
    const gradients = parameters.map((entry) => {
      const { offset } = entry.tensor.flat!;
      return [entry.tensor.name, toTorch(entry, all.subarray(offset, offset + entry.tensor.size))] as const;
    });
    return { loss: loss[0], gradients: new Map(gradients), rows };
  };
  return run({ phase, wanted, given, entries, steps, inputs, device }, (step, values) => visit(step, byName(values)));
}

export interface RunOptions {
  readonly device: Device;
  readonly steps: number;
  readonly labels: readonly RegExp[];
  /** First values of kept tensors that have no formula. */
  readonly first?: ReadonlyMap<Tensor, TorchTensor>;
}

interface Runnable {
  readonly phase: ReturnType<typeof plainPhase>;
  readonly wanted: Record<string, Tensor>;
  readonly given: ReadonlyMap<Tensor, TorchTensor>;
  readonly entries: readonly NamedTensor[];
  readonly steps: number;
  readonly inputs: (step: number) => Readonly<Record<string, ArrayLike<number> | undefined>>;
  readonly device: Device;
}
type Visit = (step: number, values: Record<string, Float32Array>) => void;
type After = (entries: readonly NamedTensor[]) => ReadonlyMap<string, TorchTensor>;

const firstOutput = ({ outputs }: Node): Tensor => outputs[0];

/** Values of entries, by name without the network's. */
const named =
  (read: (entry: NamedTensor) => TorchTensor): After =>
  (entries) =>
    new Map(entries.map((entry) => [withoutNetwork(entry.tensor.name), read(entry)]));

async function onDevice(
  { phase, wanted, given, entries, steps, inputs, device }: Runnable,
  visit: Visit,
): Promise<After> {
  if (device === 'reference') throw new Error('the reference is no device');
  const state = new State(device);
  const chosen = entries.filter(({ tensor }) => given.has(tensor));
  const tensors = new Map(chosen.map(({ tensor }) => [tensor.name, given.get(tensor)!]));
  writeEntries(state, chosen, tensors, 'golden weights');
  const program = await Program.compile(phase.graph, state, wanted);
  for (let step = 1; step <= steps; step++)
    visit(step, (await program.run(inputs(step) as never).read()) as Record<string, Float32Array>);
  const values = await readEntries(state, entries);
  program.destroy();
  state.destroy();
  device.trim();
  return named(({ tensor }) => values.get(tensor.name)!);
}

async function onReference({ phase, wanted, given, entries, steps, inputs }: Runnable, visit: Visit): Promise<After> {
  const { nodes } = phase.graph;
  let kept = new Map<Tensor, Values>();
  for (const entry of entries) {
    const value = given.get(entry.tensor);
    if (value) kept.set(entry.tensor, Float64Array.from(fromTorch(entry, value.data)));
  }
  const updated = new Set(
    nodes.flatMap(({ op, attrs, inputs: tensors }) => (op.mutates?.(attrs, tensors) ?? []).map((i) => tensors[i])),
  );
  let values = kept;
  for (let step = 1; step <= steps; step++) {
    await setImmediate(); // a step takes seconds: the test's runner hears nothing meanwhile
    const fed = inputs(step);
    for (const tensor of nodes.flatMap((node) => node.inputs))
      if (tensor.origin.kind === 'input') kept.set(tensor, Float64Array.from(fed[tensor.name]!));
    values = interpret(phase.graph, kept);
    const results = Object.entries(wanted).map(([name, tensor]) => [name, Float32Array.from(values.get(tensor)!)]);
    visit(step, Object.fromEntries(results) as Record<string, Float32Array>);
    kept = new Map([...updated].map((tensor) => [tensor, values.get(tensor)!]));
  }
  return named((entry) => toTorch(entry, Float32Array.from(values.get(entry.tensor) ?? [])));
}
