import { expect } from 'vitest';
import { labOf, rgbOfLab } from '../../src/data/lab.ts';
import { binTargets } from '../../src/losses/binned.ts';
import { reshape } from '../../src/ops/reshape.ts';
import { rgbToLab } from '../../src/ops/rgb_to_lab.ts';
import { pad, slice } from '../../src/ops/strided_copy.ts';
import { abBins } from '../../src/ssl/lab_bins.ts';
import { channelsFirst, channelsLast, expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const asBatch = ({ shape, data }: { shape: readonly number[]; data: Float32Array }) => ({ shape: [1, ...shape], data });
const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const;

const check: GoldenCheck = async (file, device) => {
  const bins = abBins();
  expectClose('ab_bins', bins.centers, file.get('ab_bins'), 0);
  for (const [from, to] of [
    ['rgb', 'lab'],
    ['rgb_known', 'lab_known'],
  ]) {
    const rgb = channelsLast(asBatch(file.get(from)));
    const wanted = channelsLast(asBatch(file.get(to)));
    const { lab, nearest } = await run(device, () => {
      const full = rgbToLab(
        pad(tensorOf('rgb', rgb), [
          [0, 0],
          [0, 0],
          [0, 0],
          [0, 1],
        ]),
        plain,
      );
      const lab = slice(full, 3, 0, 3);
      const ab = reshape(slice(full, 3, 1, 3), [lab.size / 3, 2]);
      return { lab, nearest: binTargets(ab, bins.centers, bins.sigma).nearest };
    });
    expectClose(to, lab, wanted, 1e-5);
    for (let i = 0; i < rgb.data.length; i += 3) {
      const colour = [...rgb.data.subarray(i, i + 3)] as [number, number, number];
      const known = wanted.data.subarray(i, i + 3);
      labOf(colour).forEach((value, c) => expect(value).toBeCloseTo(known[c], 3));
      rgbOfLab([known[0], known[1], known[2]]).forEach((value, c) => expect(value).toBeCloseTo(colour[c], 3));
    }
    if (from === 'rgb') expect([...nearest]).toEqual([...file.get('ab_class').data]);
  }
  expect(channelsFirst(channelsLast(asBatch(file.get('lab')))).data).toEqual(file.get('lab').data);
  return undefined;
};

export default check;
