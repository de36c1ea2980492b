/** A user's own augmentation policy: a PBA schedule, or sub-policies as AutoAugment has them. docs/augmentation.md has the format. */
import { z } from 'zod';
import { messageOf, UserError } from '../errors.ts';
import { type CheckOptions, checked, wrongValue } from '../io/checked.ts';
import type { Operation, OperationName, OperationSlot } from '../ops/augment_operations.ts';

const names = [
  ...(['shear_x', 'shear_y', 'translate_x', 'translate_y', 'rotate', 'brightness', 'saturation', 'contrast'] as const),
  ...(['sharpness', 'posterize', 'solarize', 'invert', 'auto_contrast', 'equalize'] as const),
] as const satisfies readonly OperationName[];
const probability = () => z.number().min(0).max(1);
const level = (most: number) => z.number().int().min(0).max(most).optional();

/** PBA's levels are from 0 to 10; of AutoAugment's, from 0 to 9, there is none for a cut-out square. */
const pbaStep = z.tuple([z.enum([...names, 'cutout']), probability(), level(10)]);
const autoAugmentStep = z.tuple([z.enum(names), probability(), level(9)]);

/** Operations that a schedule has at a time at most: the kernel that draws them has room for so many. */
const mostOperations = 64;
const called = { name: z.string().min(1).max(60).optional() };

const schemas = {
  pba: z.strictObject({
    ...called,
    kind: z.literal('pba'),
    /** Of the run that the schedule is for: it is stretched to that of another. */
    epochs: z.number().gt(0),
    schedule: z
      .array(z.strictObject({ epoch: z.number().min(0), operations: z.array(pbaStep).min(1).max(mostOperations) }))
      .min(1)
      .max(1000),
  }),
  autoaugment: z.strictObject({
    ...called,
    kind: z.literal('autoaugment'),
    subPolicies: z
      .array(z.tuple([autoAugmentStep, autoAugmentStep]))
      .min(1)
      .max(1000),
  }),
};
const kinds = Object.keys(schemas) as (keyof typeof schemas)[];
export type CustomPolicy = z.infer<(typeof schemas)['pba']> | z.infer<(typeof schemas)['autoaugment']>;
type Step = readonly [name: OperationName, probability: number, level?: number | undefined];

/** What operation a level means, for views of a size. */
export type OperationOf = (step: Step, size: number) => Operation;

/** UserError: what is wrong with a policy, in one line. */
export function checkedPolicy(given: unknown, source?: string): CustomPolicy {
  const options = { source, remedy: 'docs/augmentation.md has the format' };
  const { kind } = checked(z.looseObject({ kind: z.enum(kinds) }), given, options);
  const policy = checked(schemas[kind], given, options);
  if (policy.kind === 'pba') checkEpochs(policy, options);
  return policy;
}

/** Stages begin one after another, within the epochs that there are. */
function checkEpochs({ schedule, epochs }: Extract<CustomPolicy, { kind: 'pba' }>, options: CheckOptions): void {
  const wrong = schedule.findIndex(({ epoch }, i) => epoch >= epochs || epoch <= (schedule[i - 1]?.epoch ?? -1));
  if (wrong < 0) return;
  const { epoch } = schedule[wrong];
  const before = wrong === 0 ? '' : ` above ${schedule[wrong - 1].epoch}, where the stage before it begins, and`;
  throw wrongValue(`schedule.${wrong}.epoch must be${before} below epochs (${epochs}), not ${epoch}`, options);
}

/** Whether a value of the setting `policy` is such a policy, which it has whole, as JSON: a run needs no file to go on. */
export const isCustom = (policy: string): boolean => policy.startsWith('{');

/** The value of the setting `policy` for a policy. */
export const customSetting = (policy: CustomPolicy): string => JSON.stringify(policy);

/** The policy that a value of the setting has. UserError: it has none. */
export const customPolicy = (setting: string): CustomPolicy => checkedPolicy(parsed(setting));

function parsed(setting: string): unknown {
  try {
    return JSON.parse(setting);
  } catch (error) {
    throw new UserError(`is not valid JSON (${messageOf(error)})`);
  }
}

/** What people call the policy of a run. */
export const policyTitle = (setting: string): string =>
  isCustom(setting) ? (customPolicy(setting).name ?? `a ${customPolicy(setting).kind} policy of one’s own`) : setting;

/** Nothing, in place of operations that a stage has fewer than the longest: the table has as many rows all the time. */
const nothing: Operation = { name: 'identity', probability: 0, magnitude: 0 };

/** Slots of a policy for views of a size; `draw` is one that no slot before them has. */
export function customSlots(
  policy: CustomPolicy,
  size: number,
  draw: number,
  operationOf: { readonly pba: OperationOf; readonly autoaugment: OperationOf },
): readonly OperationSlot[] {
  if (policy.kind === 'autoaugment') {
    const { subPolicies } = policy;
    return ([0, 1] as const).map((place) => ({
      choices: subPolicies.map((pair) => operationOf.autoaugment(pair[place], size)),
      draw,
    }));
  }
  const { schedule, epochs } = policy;
  const rows = Math.max(...schedule.map(({ operations }) => operations.length));
  const stages = schedule.map(({ epoch, operations }) => ({
    epoch,
    operations: Array.from({ length: rows }, (_, i) =>
      operations[i] ? operationOf.pba(operations[i], size) : nothing,
    ),
  }));
  const before = Array.from({ length: rows }, () => nothing);
  const at = (share: number) => stages.findLast(({ epoch }) => epoch <= share * epochs)?.operations ?? before;
  return [0, 1].map((number) => ({ number, schedule: at }));
}
