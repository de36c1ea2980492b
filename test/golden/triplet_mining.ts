import { expect } from 'vitest';
import { hardTriplets, type MinedTriplets, semiHardTriplets } from '../../src/losses/triplet_mining.ts';
import { gradients } from '../../src/ops/gradients.ts';
import { expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const rowsOf = ({ anchor, positive, negative, found }: MinedTriplets) => ({ anchor, positive, negative, found });

const check: GoldenCheck = async (file, device) => {
  const options = { margin: file.number('margin'), distance: file.metadata['distance'] as 'squared' };
  const mined = (of: typeof hardTriplets) =>
    run(device, () => {
      const z = tensorOf('z', file.get('z'));
      const triplets = of(z, tensorOf('labels', file.get('labels')), options);
      return { loss: triplets.loss, dz: gradients(triplets.loss, [z])[0], ...rowsOf(triplets) };
    });
  const hard = await mined(hardTriplets);
  expectClose('loss_hard', hard['loss'], file.get('loss_hard'), 3e-6);
  expectClose('grad_hard', hard['dz'], file.get('grad_hard'), 3e-6);
  for (const name of ['positive', 'negative'])
    expect(Array.from(hard[name])).toEqual(Array.from(file.get(`hard_${name}`).data));

  const semi = await mined(semiHardTriplets);
  expectClose('loss_semi_hard', semi['loss'], file.get('loss_semi_hard'), 3e-6);
  expectClose('grad_semi_hard', semi['dz'], file.get('grad_semi_hard'), 3e-6);
  const labels = file.get('labels').data;
  const { data } = file.get('semi_hard');
  const expected = Array.from({ length: data.length / 3 }, (_, i) => Array.from(data.subarray(3 * i, 3 * i + 3)));
  const of = (i: number) => [semi['anchor'][i], semi['positive'][i], semi['found'][i] ? semi['negative'][i] : -1];
  const pairs = Array.from(semi['anchor'], (_, i) => of(i)).filter(([a, p]) => labels[a] === labels[p]);
  expect(pairs).toEqual(expected);
  expect(pairs.filter(([, , n]) => n >= 0)).toHaveLength(file.number('pairs_with_negative'));
  return undefined;
};

export default check;
