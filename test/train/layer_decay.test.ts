/** Learning rates of layers in fine-tuning: which each parameter gets, and that a training takes them. */
import { describe, expect, it } from 'vitest';
import { classification } from '../../src/methods/supervised.ts';
import { Classifier } from '../../src/nn/classifier.ts';
import { layerOf } from '../../src/nn/encoder_shape.ts';
import { GroupRates } from '../../src/ssl/group_rates.ts';
import { parseSupervisedSettings } from '../../src/train/supervised_settings.ts';

const time = { seed: 1, step: 1, epoch: 0, steps: 4, perEpoch: 2, indices: new Uint32Array(2), first: 0 };

/** The learning rate of each parameter by name, where the schedule's is 1. */
function ratesOf(options: ConstructorParameters<typeof Classifier>[0], layerDecay: number, freezeStages = 0) {
  const classifier = new Classifier(options);
  const { groups } = classification(classifier, { training: { training: true }, layerDecay, freezeStages });
  const rates = new GroupRates(groups[0], {});
  const parameters = groups[0].modules.flatMap((module) => module.parameters);
  const count = Math.max(...parameters.map(({ tensor }) => rates.rowOf(tensor))) + 1;
  const rows = rates.at(time, 1, count);
  return new Map(parameters.map(({ tensor }) => [tensor.name, rows[rates.rowOf(tensor)].lr]));
}

const resnet = { architecture: 'resnet18', stem: 'cifar', width: 0.25, seed: 1, classes: 3 } as const;
const vit = {
  ...{ architecture: 'vit_tiny', stem: 'imagenet', width: 0.25, seed: 1, classes: 3 },
  ...{ patch: 4, grid: 2, positions: 'learned' },
} as const;

describe('learning rates of layers', () => {
  it('of a vision transformer: 14 layers with the embedding, 12 blocks, and what is behind them', () => {
    const rates = ratesOf(vit as never, 0.75);
    const expected = {
      ...{ cls_token: 0.75 ** 13, pos_embed: 0.75 ** 13, 'patch_embed.proj.weight': 0.75 ** 13 },
      ...{ 'blocks.0.attn.qkv.weight': 0.75 ** 12, 'blocks.11.mlp.fc2.bias': 0.75 },
      ...{ 'norm.weight': 1, 'fc.weight': 1 },
    };
    for (const [name, rate] of Object.entries(expected)) expect(rates.get(name), name).toBeCloseTo(rate, 12);
  });

  it('of a ResNet: stem and four stages', () => {
    const rates = ratesOf(resnet, 0.5);
    const expected = {
      'conv1.weight': 1 / 32,
      'layer1.0.bn1.bias': 1 / 16,
      'layer4.1.conv2.weight': 0.5,
      'fc.bias': 1,
    };
    for (const [name, rate] of Object.entries(expected)) expect(rates.get(name), name).toBeCloseTo(rate, 12);
  });

  it('frozen stages do not move those of the others', () => {
    const rates = ratesOf(resnet, 0.5, 2);
    expect([rates.has('layer2.0.conv1.weight'), rates.get('layer3.0.conv1.weight')]).toEqual([false, 0.25]);
  });

  it('1 is the same for all, without rows of their own', () => {
    expect(new Set(ratesOf(resnet, 1).values())).toEqual(new Set([1]));
  });

  it('is a share', () => {
    for (const layerDecay of [0, 1.5, -1, 'half'])
      expect(() => parseSupervisedSettings({ layerDecay })).toThrow(/^[^\n]*--layer-decay must be [^\n]*$/);
  });
});

it('layers are numbered by the names of their tensors, in encoders of one network and of two', () => {
  const names = ['conv1.weight', 'lightness/bn1.bias', 'color/layer3.0.bn1.weight', 'blocks.7.norm1.bias', 'norm.bias'];
  expect(names.map(layerOf)).toEqual([0, 0, 3, 8, undefined]);
});
