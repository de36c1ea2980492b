import { expect } from 'vitest';
import { constant } from '../../src/graph/trace.ts';
import { gatherRows } from '../../src/ops/gather_rows.ts';
import { cutmix, cutmixBox, mixup, shareOutside } from '../../src/ssl/mixing.ts';
import { channelsLast, expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const x = channelsLast(file.get('x'));
  const [, size] = x.shape;
  const share = file.number('lam');
  const [column, row] = file.get('center').data;
  const box = cutmixBox(size, share, column, row);
  expect([box.left, box.top, box.right, box.bottom]).toEqual([...file.get('cutmix_box').data]);
  expect(shareOutside(size, box)).toBe(file.number('lam_after'));
  const values = await run(device, () => {
    const scalar = (name: string, value: number) => constant(name, Float32Array.of(value));
    const [images, labels] = [tensorOf('x', x), tensorOf('labels', file.get('labels'))];
    const partner = constant('partner', Uint32Array.from(file.get('partner').data));
    const [others, otherLabels] = [images, labels].map((rows) => gatherRows(rows, partner));
    const edges = {
      ...{ left: scalar('left', box.left), top: scalar('top', box.top) },
      ...{ right: scalar('right', box.right), bottom: scalar('bottom', box.bottom) },
    };
    return {
      mixup_x: mixup(images, others, scalar('share', share)),
      mixup_labels: mixup(labels, otherLabels, scalar('share', share)),
      cutmix_x: cutmix(images, others, edges),
      cutmix_labels: mixup(labels, otherLabels, scalar('share', shareOutside(size, box))),
    };
  });
  for (const name of ['mixup_x', 'cutmix_x']) expectClose(name, values[name], channelsLast(file.get(name)), 2e-7);
  for (const name of ['mixup_labels', 'cutmix_labels']) expectClose(name, values[name], file.get(name), 2e-7);
  return undefined;
};

export default check;
