import { patchify, unpatchify } from '../../src/ops/rearrange.ts';
import { channelsLast, expectClose, type GoldenCheck, run, tensorOf } from './harness.ts';

const check: GoldenCheck = async (file, device) => {
  const images = channelsLast(file.get('images'));
  const p = file.number('patch');
  const { patches, back } = await run(device, () => {
    const patches = patchify(tensorOf('images', images), p);
    return { patches, back: unpatchify(patches, p) };
  });
  expectClose('patches', patches, file.get('patches'), 0);
  expectClose('unpatchify', back, images, 0);
  return undefined;
};

export default check;
