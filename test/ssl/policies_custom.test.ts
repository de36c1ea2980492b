/** A user's own policies: the format, what is refused, and that a run needs no file to go on. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { givenSettings } from '../../src/cli/options.ts';
import { augmentationInWords } from '../../src/experiment/report_text.ts';
import type { Operation, OperationSlot } from '../../src/ops/augment_operations.ts';
import { operationTable } from '../../src/ops/augment_operations.ts';
import { policies, policySlots } from '../../src/ssl/policies.ts';
import { autoAugmentPolicies } from '../../src/ssl/policies_autoaugment.ts';
import { policyTitle } from '../../src/ssl/policies_custom.ts';
import { pbaSchedule } from '../../src/ssl/policies_pba.ts';
import { readPolicy } from '../../src/train/policy_file.ts';
import { parseSettings } from '../../src/train/settings.ts';
import { scratchFolder } from '../cli/run.ts';

const folder = scratchFolder();
function written(name: string, content: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}
const slotsOf = (policy: string, size = 32): readonly OperationSlot[] =>
  policySlots(policy, { operations: 2, magnitude: 9 }, size, 40);

const own = {
  kind: 'pba',
  epochs: 10,
  schedule: [
    { epoch: 2, operations: [['rotate', 0.3, 4]] },
    {
      epoch: 5,
      operations: [
        ['rotate', 0.6, 8],
        ['cutout', 0.7, 8],
        ['equalize', 0.2],
      ],
    },
  ],
};

it('a schedule has nothing before its first stage, then each stage in its time, always as many rows', () => {
  const [first, second] = slotsOf(readPolicy(written('own.json', own)));
  if (!('schedule' in first && 'schedule' in second)) return expect.fail('no schedule');
  expect([first.number, second.number]).toEqual([0, 1]);
  const at = (share: number): readonly Operation[] => first.schedule(share);
  expect([0, 0.19, 0.2, 0.5, 1].map((share) => at(share).length)).toEqual([3, 3, 3, 3, 3]);
  expect(at(0.19).every(({ probability }) => probability === 0)).toBe(true);
  expect(at(0.2)).toMatchObject([
    { name: 'rotate', probability: 0.3, magnitude: 12, signed: true },
    { name: 'identity', probability: 0 },
    { name: 'identity', probability: 0 },
  ]);
  expect(at(0.5)).toMatchObject([{ magnitude: 24 }, { name: 'cutout', magnitude: 16 }, { name: 'equalize' }]);
});

it('published policies in the form of files are the published policies', () => {
  const names = ['auto_contrast', 'equalize', 'invert', 'rotate', 'posterize', 'solarize', 'saturation', 'contrast'];
  names.push('brightness', 'sharpness', 'shear_x', 'shear_y', 'translate_x', 'translate_y', 'cutout');
  const schedule = pbaSchedule.map(([epoch, numbers]) => ({
    epoch,
    operations: numbers.split(' ').map((pair, i) => {
      const [tenths, level] = pair.split(',').map(Number);
      return [names[i % 15], tenths / 10, level];
    }),
  }));
  const pba = readPolicy(written('pba.json', { kind: 'pba', epochs: 200, schedule }));
  for (const share of [0.06, 0.3, 0.6, 1])
    expect(operationTable(slotsOf(pba, 48), share)).toEqual(operationTable(slotsOf('pba-cifar10', 48), share));
  for (const [name, subPolicies] of Object.entries(autoAugmentPolicies)) {
    const same = readPolicy(written('auto.json', { kind: 'autoaugment', subPolicies }));
    expect(slotsOf(same)).toEqual(slotsOf(name));
  }
});

it('the setting has the whole policy: parsed again without the file, it is the same; reports call it by its name', () => {
  const file = written('mine.json', own);
  const { policy } = parseSettings(givenSettings({ policy: file, rotate: 0 }));
  rmSync(file);
  expect(JSON.parse(policy)).toEqual({ ...own, name: 'mine' });
  const again = parseSettings(JSON.parse(JSON.stringify({ policy })), 'config.json');
  expect(again.policy).toBe(policy);
  expect(slotsOf(policy).length).toBe(2);
  expect(policyTitle(policy)).toBe('mine');
  expect(augmentationInWords(again)).toContain('Besides: the operations of mine.');
  expect(givenSettings({ policy: 'randaugment' })).toEqual({ policy: 'randaugment' });
  expect(givenSettings({ policy })).toEqual({ policy });
});

it.each([
  ['no JSON', '{"kind":', /: not valid JSON \(.*\); docs\/augmentation\.md has the format$/],
  ['no kind', {}, /: kind is missing; docs\/augmentation\.md has the format$/],
  ['another kind', { kind: 'fast' }, /: kind must be pba or autoaugment, not 'fast'; docs/],
  ['no epochs', { ...own, epochs: undefined }, /: epochs is missing; docs/],
  ['a key too many', { ...own, speed: 1 }, /: 'speed' is not a known setting; docs/],
  [
    'an unknown operation',
    { ...own, schedule: [{ epoch: 0, operations: [['twist', 0.1, 1]] }] },
    /: schedule\.0\.operations\.0\.0 must be shear_x, .* or cutout, not 'twist'; docs/,
  ],
  [
    'a probability above 1',
    { ...own, schedule: [{ epoch: 0, operations: [['rotate', 3, 1]] }] },
    /: schedule\.0\.operations\.0\.1 must be 1 or less, not 3; docs/,
  ],
  [
    'a level above 10',
    { ...own, schedule: [{ epoch: 0, operations: [['rotate', 0.3, 11]] }] },
    /: schedule\.0\.operations\.0\.2 must be 10 or less, not 11; docs/,
  ],
  ['no stages', { ...own, schedule: [] }, /: schedule must be a list of 1 or more, not a list of 0; docs/],
  [
    'stages out of order',
    { ...own, schedule: own.schedule.toReversed() },
    /: schedule\.1\.epoch must be above 5, where the stage before it begins, and below epochs \(10\), not 2; docs/,
  ],
  ['a stage behind the end', { ...own, epochs: 2 }, /: schedule\.0\.epoch must be below epochs \(2\), not 2; docs/],
  [
    'a cut-out square in sub-policies',
    {
      kind: 'autoaugment',
      subPolicies: [
        [
          ['cutout', 0.1],
          ['rotate', 0.1],
        ],
      ],
    },
    /: subPolicies\.0\.0\.0 must be shear_x, .* or equalize, not 'cutout'; docs/,
  ],
])('a file with %s is refused in one line', (_, content, message) => {
  const file = written('wrong.json', content);
  expect(() => readPolicy(file)).toThrow(message);
  expect(() => readPolicy(file)).toThrow(file);
});

it('other values of the setting are refused', () => {
  expect(() => parseSettings({ policy: 'fast' })).toThrow(
    `--policy must be ${policies.slice(0, -1).join(', ')}, infomin or a file (.json), not 'fast'`,
  );
  expect(() => parseSettings({ policy: '{"kind":"pba"}' }, 'config.json')).toThrow(
    /^config\.json: --policy must be a policy \(epochs is missing; schedule is missing; docs\/augmentation\.md has the format\), not '\{"kind":"pba"\}'$/,
  );
  expect(() => parseSettings({ policy: '{' })).toThrow(/--policy must be a policy \(is not valid JSON/);
  expect(() => givenSettings({ policy: 'nowhere.json' })).toThrow(/nowhere\.json: no such file/);
});
