/** Views with operations of policies, in f32 and f16. */
import { input } from '../../src/graph/trace.ts';
import { augment } from '../../src/ops/augment.ts';
import { augmentOperations, operationTable } from '../../src/ops/augment_operations.ts';
import { cast } from '../../src/ops/cast.ts';
import { packedWords } from '../../src/ops/gather_images.ts';
import { operationSlots } from '../../src/ssl/settings.ts';
import { f32, type Traced, traced } from '../programs.ts';

const views = (dtype: 'f32' | 'f16') =>
  traced(() => {
    const size = { height: 20, width: 17 };
    const slots = operationSlots({ rotate: 0.5, policy: 'randaugment', noise: 0.5, cutout: 0.5 }, 16);
    const images = input('images', [3, packedWords(size)], 'u32');
    const table = f32('table', operationTable(slots, 0).length / 4, 4);
    const indices = input('indices', [3], 'u32');
    const drawn = augmentOperations(indices, input('seeds', [4], 'u32'), table, { slots, views: 2 });
    const options = { ...size, size: 16, blurKernel: 3, mean: [0, 0, 0], std: [1, 1, 1], antialias: true } as const;
    return { views: cast(augment(images, f32('parameters', 6, 16), options, drawn), dtype) };
  });

export default {
  'views with operations of policies': () => views('f32'),
  'views with operations of policies, f16': () => views('f16'),
} satisfies Record<string, () => Traced>;
