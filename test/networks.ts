import type { ResNetOptions } from '../src/nn/resnet.ts';

/** The network of the published experiment. */
export const resnet18 = { architecture: 'resnet18', stem: 'imagenet', seed: 1 } as const satisfies ResNetOptions;
