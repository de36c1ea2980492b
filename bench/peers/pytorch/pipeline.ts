import type { OpenPeer } from '../../benchmark.ts';
import type { PipelineProblem } from '../../cases/pipeline.ts';
import { f32, openTorch } from './implementation.ts';

const open: OpenPeer<PipelineProblem> = (_gpu, { images, count, parameters, augmentation, ...problem }) => {
  const values = [...parameters].map(([name, { shape, data }]) => [name, f32(data, shape)] as const);
  const { imageSize } = problem;
  const bytes = { dtype: 'U8', shape: [count, imageSize, imageSize, 3], data: images } as const;
  const tensors = { images: bytes, ...Object.fromEntries(values) };
  const label = (by: string, device: string) => `, ${by}${device === 'CPU' ? ', CPU' : ''}`;
  return openTorch('pipeline', { tensors, attributes: { ...problem, ...augmentation } }, undefined, (about) =>
    label(about.augmentation, about.device),
  );
};

export default open;
