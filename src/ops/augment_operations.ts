/** Operations of augmentation policies (AutoAugment, RandAugment, PBA), noise, turns and cutout: how they are drawn and done. */
import curvesKernel from '../../kernels/augment/curves.wgsl';
import draw from '../../kernels/augment/draw_operations.wgsl';
import operationKernel from '../../kernels/augment/operation.wgsl';
import { grid1d } from '../gpu/kernel.ts';
import { bytesPerElement, check, type Launch, type Op, Scratch, type Tensor } from '../graph/tensor.ts';
import { apply, constant } from '../graph/trace.ts';

/** The numbers that kernels know operations by are their places here; those from `brightness` on are functions of a channel's byte. */
export const operationNames = [
  'identity',
  'shear_x',
  'shear_y',
  'translate_x',
  'translate_y',
  'rotate',
  'turn',
  'saturation',
  'sharpness',
  'cutout',
  'noise',
  'brightness',
  'contrast',
  'posterize',
  'solarize',
  'solarize_add',
  'invert',
  'auto_contrast',
  'equalize',
] as const;
export type OperationName = (typeof operationNames)[number];

/** What one slot may draw. What the magnitude means: see kernels/augment/operation.wgsl and curves.wgsl. */
export interface Operation {
  readonly name: OperationName;
  readonly probability: number;
  readonly magnitude: number;
  /** Its sign is random. */
  readonly signed?: boolean;
}

/** Operations that are done one after another to a view, each drawn from some. */
export type OperationSlot =
  | {
      readonly choices: readonly Operation[];
      /** Slots of one draw choose the same place among their choices: the operations of a sub-policy. By default the slot's own. */
      readonly draw?: number;
    }
  | {
      /** PBA: the `number`-th of those that pass their probability in a random order, if the view gets so many (0, 1 or 2). */
      readonly number: number;
      /** The rows at a share of the run from 0 to 1; always the same number of them. */
      readonly schedule: (share: number) => readonly Operation[];
    };

const row = ({ name, probability, magnitude, signed = false }: Operation): number[] => [
  operationNames.indexOf(name),
  probability,
  magnitude,
  Number(signed),
];

/** The rows of all slots at a share of the run: the table [E, 4] that operations are drawn from. */
export function operationTable(slots: readonly OperationSlot[], share: number): Float32Array {
  const rows = slots.flatMap((slot) => ('schedule' in slot ? slot.schedule(share) : slot.choices));
  return Float32Array.from(rows.flatMap(row));
}

/** Where the rows of each slot are in the table, and how one is drawn: [slots, 4]. */
function places(slots: readonly OperationSlot[]): Uint32Array {
  let first = 0;
  const rows = slots.map((slot, i) => {
    const scheduled = 'schedule' in slot;
    const { length } = scheduled ? slot.schedule(0) : slot.choices;
    const place = [first, length, scheduled ? slot.number : (slot.draw ?? i), Number(scheduled)];
    first += length;
    return place;
  });
  return Uint32Array.from(rows.flat());
}

/** A row of what `augmentOperations` draws, for views whose operations are given. */
export const packOperation = (
  name: OperationName,
  magnitude = 0,
  place: readonly [number, number] = [0, 0],
): number[] => [operationNames.indexOf(name), magnitude, ...place];

interface DrawAttrs {
  readonly views: number;
}

/** Operations of the views of each sample, drawn from the rows that each slot has in the table. */
export const augmentOperationsOp: Op<DrawAttrs> = {
  name: 'augment_operations',
  infer([indices, seeds, slots, table], { views }) {
    const whole = [indices, seeds, slots].every(({ dtype }) => dtype === 'u32');
    check(whole && seeds.size === 4, 'augment_operations', 'indices, seeds [4] and slots must be u32', indices, seeds);
    const rows = [slots, table].every(({ shape }) => shape.length === 2 && shape[1] === 4);
    check(rows && table.dtype === 'f32', 'augment_operations', 'slots and table must have rows of 4', slots, table);
    return [{ shape: [views * indices.size, 4 * slots.shape[0]], dtype: 'f32' }];
  },
  launches: ({ inputs: [indices, seeds, slots, table], outputs: [drawn], attrs: { views } }) => [
    {
      kernel: draw,
      bindings: { indices, seeds, slots, table, drawn },
      params: { count: indices.size, views, slots: slots.shape[0] },
      workgroups: grid1d(drawn.size / 4, 64),
    },
  ],
};

/** Choices, probabilities and numbers of one draw each: kernels/augment/draw_operations.wgsl has places for so many. */
const most = { slots: 32, rows: 64 };

/**
 * Draws the operations of sample indices u32 [N]; seeds as for `augmentParameters`, of which none of the draws is used. `table`: what
 * `operationTable` makes of the slots. f32 [views · N, 4 · slots].
 */
export function augmentOperations(
  indices: Tensor,
  seeds: Tensor,
  table: Tensor,
  { slots, views }: { readonly slots: readonly OperationSlot[]; readonly views: number },
): Tensor {
  check(slots.length > 0 && slots.length <= most.slots, 'augment_operations', `1 to ${most.slots} slots`, indices);
  const longest = Math.max(...slots.map((slot) => ('schedule' in slot ? slot.schedule(0).length : 0)));
  check(longest <= most.rows, 'augment_operations', `a schedule has up to ${most.rows} rows`, table);
  const where = constant('slots', places(slots), [slots.length, 4]);
  return apply(augmentOperationsOp, [indices, seeds, where, table], { views })[0];
}

/** The launches of all slots, in turn from one buffer into the other: behind the last, the result lies in `views`. */
export function operationLaunches(
  drawn: Tensor,
  views: Tensor | Scratch,
  other: Scratch,
  { count, size }: { readonly count: number; readonly size: number },
): { readonly first: Tensor | Scratch; readonly launches: Launch[] } {
  const slots = drawn.shape[1] / 4;
  const curves = new Scratch('curves of bytes', count * 768 * bytesPerElement);
  const pixels = size * size;
  const groups_per_view = Math.ceil(pixels / 64);
  const bufferBefore = (slot: number) => ((slots - slot) % 2 === 0 ? views : other);
  const launches = Array.from({ length: slots }, (_, slot): Launch[] => {
    const [x, y] = [bufferBefore(slot), bufferBefore(slot + 1)];
    const which = { views: count, slots, slot };
    return [
      {
        kernel: curvesKernel,
        bindings: { x, drawn, curves },
        params: { ...which, pixels },
        workgroups: grid1d(count, 1),
      },
      {
        kernel: operationKernel,
        bindings: { x, drawn, curves, y },
        params: { ...which, size, groups_per_view },
        workgroups: grid1d(count * groups_per_view, 1),
      },
    ];
  });
  return { first: bufferBefore(0), launches: launches.flat() };
}
